import { mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import sharp from "sharp";

/** The evaluation's drawings as `count` PNGs in a new folder, each in several shades: no two are alike. @returns their names */
export async function makeDrawings(folder: string, count: number): Promise<string[]> {
  const from = resolve("test/fixtures/eval");
  const originals = (await readdir(from)).filter((name) => !name.endsWith(".jsonl")).toSorted();
  await mkdir(folder);
  const names: string[] = [];
  for (let shade = 0; names.length < count; shade++) {
    for (const original of originals.slice(0, count - names.length)) {
      const name = `${String(names.length).padStart(5, "0")}.png`;
      await sharp(join(from, original))
        .modulate({ brightness: 1 - shade / 50 })
        .png()
        .toFile(join(folder, name));
      names.push(name);
    }
  }
  return names;
}
