import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { median } from "../../../src/bench/statistics.ts";
import { makeDrawings } from "./drawings.ts";
import type { Figure, Setup } from "./figure.ts";

const run = promisify(execFile);
const DRAWINGS = 1000;
/** So many single calls stand for a thousand: each takes as long as any other. */
const SINGLE = 20;
const QUESTION = "What color is the circle?";

/** A folder of drawings by one `ask -r`, by `xargs` and by a call for each, with the demo model, in turn. Nothing is kept. */
export async function folderFigures({ binary, rounds }: Setup): Promise<Figure[]> {
  const home = await mkdtemp(join(tmpdir(), "flashsloth-folder-"));
  const folder = join(home, "drawings");
  const ask = `"${process.execPath}" "${binary}" ask -m demo --no-cache --quiet -q "${QUESTION}"`;
  const seconds = async (command: string): Promise<number> => {
    const start = performance.now();
    await run("sh", ["-c", command], {
      env: { ...process.env, FLASHSLOTH_HOME: home },
      maxBuffer: 2 ** 30,
    });
    return (performance.now() - start) / 1000;
  };
  const [whole, piped, single]: [number[], number[], number[]] = [[], [], []];
  try {
    const names = await makeDrawings(folder, DRAWINGS);
    await seconds(`${ask} "${join(folder, names[0] ?? "")}"`); // converts the model
    for (let round = 0; round < rounds; round++) {
      whole.push(await seconds(`${ask} -r "${folder}"`));
      piped.push(await seconds(`find "${folder}" -type f -print0 | xargs -0 -n ${DRAWINGS} ${ask}`));
      const calls = names.slice(0, SINGLE).map((name) => `${ask} "${join(folder, name)}"`);
      single.push((DRAWINGS / SINGLE) * (await seconds(calls.join(" && "))));
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  const [all, one, each] = [median(whole), median(piped), median(single)];
  return [
    {
      name: `${DRAWINGS} drawings: one xargs call / ask -r`,
      value: one / all,
      bar: { atLeast: 0.9 },
      detail: `${one.toFixed(1)} and ${all.toFixed(1)} s, ${(DRAWINGS / all).toFixed(0)} pictures a second, demo model`,
    },
    {
      name: `${DRAWINGS} drawings: a call for each / ask -r`,
      value: each / all,
      bar: { atLeast: 10 },
      detail: `${each.toFixed(0)} s (${SINGLE} calls measured) and ${all.toFixed(1)} s`,
    },
  ];
}
