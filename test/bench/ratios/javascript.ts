import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { coldAsk } from "../../../src/bench/cold.ts";
import { median } from "../../../src/bench/statistics.ts";
import { askWords } from "./cold.ts";
import { type Figure, ms, type Setup } from "./figure.ts";

/** V8's CPU profile, as far as it is read here; times are microseconds of the system's monotonic clock. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Milliseconds of one thread by what it did; idle time is none of them. */
interface Shares {
  readonly javascript: number;
  readonly native: number;
  /** loading shared libraries: the dynamic linker's work */
  readonly linking: number;
}

function shares(profile: Profile): Shares {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = { javascript: 0, native: 0, linking: 0 };
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    const time = (profile.timeDeltas[index] ?? 0) / 1000;
    if (frame === undefined || frame.functionName === "(idle)") continue;
    const wrapped = frame.url.endsWith("native-frames.cjs");
    if (frame.functionName === "dlopen" || (wrapped && frame.functionName === "loadLibrary"))
      sums.linking += time;
    else if (wrapped) sums.native += time;
    else sums.javascript += time;
  }
  return sums;
}

/** How long a thread takes from its creation to its first line: no profile sees that. */
async function threadStart(): Promise<number> {
  const start = performance.now();
  const worker = new Worker("require('node:worker_threads').parentPort.postMessage(0)", { eval: true });
  await new Promise((resolve) => void worker.once("message", resolve));
  const time = performance.now() - start;
  await worker.terminate();
  return time;
}

/**
 * JavaScript's share of a cold `ask`, by V8's own profiler in every thread. Counted as JavaScript is all that is not idle
 * and not inside llama.cpp's or onnxruntime's heavy calls: Node's own start, module loading, the garbage collector,
 * koffi, sampling, text; and of all threads together, though they run side by side. The profiler slows JavaScript down,
 * so the figure is an upper bound.
 */
export async function javascriptFigure(setup: Setup): Promise<Figure> {
  const hook = new URL("../../../../native-frames.cjs", import.meta.url).pathname.replace("/build/", "/");
  const starts: number[] = [];
  for (let i = 0; i < 5; i++) starts.push(await threadStart());
  const runs: { share: number; javascript: number; linking: number; total: number }[] = [];
  await coldAsk(askWords(setup), { binary: setup.binary });
  for (let round = 0; round < setup.rounds; round++) {
    const folder = await mkdtemp(join(tmpdir(), "flashsloth-profile-"));
    try {
      const began = Number(process.hrtime.bigint() / 1000n);
      const { total } = await coldAsk(askWords(setup), {
        binary: setup.binary,
        nodeArguments: ["--cpu-prof", "--cpu-prof-dir", folder, "--require", hook],
      });
      const texts = (await readdir(folder)).map((file) => readFile(join(folder, file), "utf8"));
      const profiles = (await Promise.all(texts)).map((text) => JSON.parse(text) as Profile);
      const each = profiles.map(shares);
      const beforeProfile = (Math.min(...profiles.map(({ startTime }) => startTime)) - began) / 1000;
      const threads = (profiles.length - 1) * median(starts);
      const javascript = each.reduce((sum, share) => sum + share.javascript, beforeProfile + threads);
      const linking = each.reduce((sum, share) => sum + share.linking, 0);
      runs.push({ share: javascript / total, javascript, linking, total });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const of = (key: "share" | "javascript" | "linking" | "total"): number =>
    median(runs.map((run) => run[key]));
  return {
    name: "JavaScript / total, cold",
    value: of("share"),
    bar: { atMost: 0.05 },
    detail: `${ms(of("javascript"))} of ${ms(of("total"))}, 4 tokens; loading shared libraries, not counted: ${ms(of("linking"))}`,
  };
}
