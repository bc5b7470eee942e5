"use strict";
/*
 * Loaded before everything else in a profiled process. V8's profiler counts the time inside a native function as its
 * JavaScript caller's own; here the heavy native calls get a caller of their own, in this file.
 */
const HEAVY =
  /^(?:llama_decode|llama_model_load_from_file|llama_init_from_model|llama_backend_init|ggml_backend_load_all_from_path|llama_free|llama_model_free)$/;

const dlopen = process.dlopen.bind(process);
process.dlopen = function loadLibrary(module, file, ...flags) {
  dlopen(module, file, ...flags);
  const { exports } = module;
  if (/koffi/.test(file)) module.exports = koffi(exports);
  else if (/onnxruntime/.test(file)) module.exports = onnxruntime(exports);
};

function koffi(exports) {
  return {
    ...exports,
    load: function loadLibrary(...args) {
      const library = exports.load(...args);
      return new Proxy(library, {
        get(target, key) {
          if (key !== "func") return Reflect.get(target, key).bind(target);
          return (...definition) => {
            const native = target.func(...definition);
            return HEAVY.test(String(definition[0])) ? heavy(native) : native;
          };
        },
      });
    },
  };
}

function heavy(native) {
  return Object.assign(
    function nativeCall(...args) {
      return native(...args);
    },
    { async: native.async, info: native.info },
  );
}

function onnxruntime(exports) {
  return {
    ...exports,
    initOrtOnce: function nativeCall(...args) {
      return exports.initOrtOnce(...args);
    },
    InferenceSession: class extends exports.InferenceSession {
      loadModel(...args) {
        return super.loadModel(...args);
      }
      run(...args) {
        return super.run(...args);
      }
      dispose(...args) {
        return super.dispose(...args);
      }
    },
  };
}
