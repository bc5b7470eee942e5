"use strict";
/*
 * Loaded before everything else in every thread of a measured process: divides the processor time of each thread that runs
 * JavaScript into JavaScript, the heavy native calls and the dynamic linker, and writes the sums into a folder at its end.
 */
const { writeFileSync } = require("node:fs");
const path = require("node:path");
const { threadId } = require("node:worker_threads");

const HEAVY =
  /^(?:llama_decode|llama_model_load_from_file|llama_init_from_model|llama_backend_init|ggml_backend_load_all_from_path|llama_free|llama_model_free|int madvise.*)$/;
const CLOCK_THREAD_CPUTIME_ID = 3;

// all that Node does before the clock runs is JavaScript's
const sums = { javascript: 0, native: 0, linking: 0 };
let doing = "javascript";
let since = 0;
let readClock = () => {};
const time = new BigInt64Array(2);

/** Processor time of this thread since it began, in milliseconds. */
function now() {
  readClock(CLOCK_THREAD_CPUTIME_ID, time);
  return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
}

/** @returns what was being done until now */
function turnTo(next) {
  const before = doing;
  const at = now();
  sums[before] += at - since;
  since = at;
  doing = next;
  return before;
}

/** The function with its time on the account `kind`. */
function timed(kind, run) {
  return function timedCall(...args) {
    const before = turnTo(kind);
    try {
      return Reflect.apply(run, this, args);
    } finally {
      turnTo(before);
    }
  };
}

const dlopen = timed("linking", process.dlopen.bind(process));
process.dlopen = function dlopenTimed(module, file, ...flags) {
  dlopen(module, file, ...flags);
  if (/koffi/.test(file)) module.exports = koffi(module.exports);
  else if (/onnxruntime/.test(file)) module.exports = onnxruntime(module.exports);
};

function onnxruntime(exports) {
  class InferenceSession extends exports.InferenceSession {}
  for (const name of ["loadModel", "run", "dispose"]) {
    const method = timed("native", exports.InferenceSession.prototype[name]);
    Object.defineProperty(InferenceSession.prototype, name, { value: method });
  }
  return { ...exports, InferenceSession, initOrtOnce: timed("native", exports.initOrtOnce) };
}

function koffi(exports) {
  return {
    ...exports,
    load: timed("linking", (...args) => {
      const library = exports.load(...args);
      return new Proxy(library, {
        get(target, key) {
          if (key !== "func") return Reflect.get(target, key).bind(target);
          return (...definition) => {
            const native = target.func(...definition);
            return HEAVY.test(String(definition[0])) ? timed("native", native) : native;
          };
        },
      });
    }),
    // what native code calls back into is JavaScript again
    register: (callback, type) => exports.register(timed("javascript", callback), type),
  };
}

const libc = require("koffi").load(null);
readClock = libc.func("int clock_gettime(int clock, _Out_ int64_t *time)");

process.on("exit", () => {
  turnTo("javascript");
  writeFileSync(path.join(process.env.FLASHSLOTH_CLOCKS, `${threadId}.json`), JSON.stringify(sums));
});
