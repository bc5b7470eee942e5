import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { coldAsk } from "../../../src/bench/cold.ts";
import { median } from "../../../src/bench/statistics.ts";
import { askWords } from "./cold.ts";
import { type Figure, ms, type Setup } from "./figure.ts";

/** Milliseconds of processor time of one thread that runs JavaScript, as `thread-clock.cjs` writes them. */
const clocks = v.object({
  javascript: v.number(),
  /** inside llama.cpp and onnxruntime */
  native: v.number(),
  /** loading shared libraries: the dynamic linker's work */
  linking: v.number(),
});

/**
 * JavaScript's share of a cold `ask`: processor time of all threads that run JavaScript, added up though they run side by
 * side, without what they spend inside llama.cpp's and onnxruntime's heavy calls and in the dynamic linker. Node's own
 * start, module loading, the garbage collector's pauses, koffi, resampling, sampling and text are all in it.
 */
export async function javascriptFigure(setup: Setup): Promise<Figure> {
  const hook = new URL("../../../../thread-clock.cjs", import.meta.url).pathname.replace("/build/", "/");
  const runs: { share: number; javascript: number; linking: number; total: number }[] = [];
  await coldAsk(askWords(setup), { binary: setup.binary });
  for (let round = 0; round < setup.rounds; round++) {
    const folder = await mkdtemp(join(tmpdir(), "flashsloth-clocks-"));
    try {
      const { total } = await coldAsk(askWords(setup), {
        binary: setup.binary,
        nodeArguments: ["--require", hook],
        environment: { FLASHSLOTH_CLOCKS: folder },
      });
      const files = await readdir(folder);
      const threads = await Promise.all(
        files.map(async (file) => v.parse(clocks, JSON.parse(await readFile(join(folder, file), "utf8")))),
      );
      const sum = (key: "javascript" | "linking"): number =>
        threads.reduce((all, thread) => all + thread[key], 0);
      runs.push({
        share: sum("javascript") / total,
        javascript: sum("javascript"),
        linking: sum("linking"),
        total,
      });
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
