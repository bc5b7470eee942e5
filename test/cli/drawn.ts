import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { random } from "../random.ts";

const COLOURS = ["red", "green", "blue", "yellow", "purple", "orange"] as const;

/** A drawing of the kind that the demo model knows: a shape or two on a plain ground. */
function drawingOf(next: () => number): string {
  const pick = (count: number): number => Math.floor(next() * count);
  const shapes = Array.from({ length: 1 + pick(2) }, () => {
    const [x, y, size] = [16 + pick(64), 16 + pick(64), 8 + pick(16)];
    const colour = COLOURS[pick(COLOURS.length)];
    return pick(2) === 0
      ? `<circle cx="${x}" cy="${y}" r="${size}" fill="${colour}"/>`
      : `<rect x="${x - size}" y="${y - size}" width="${2 * size}" height="${2 * size}" fill="${colour}"/>`;
  });
  const ground = `<rect width="96" height="96" fill="white"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96">${ground}${shapes.join("")}</svg>`;
}

/** Fills a folder with drawings, the same for the same seed. @returns their names, sorted */
export async function draw(folder: string, count: number, seed: number): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const next = random(seed);
  const names = Array.from({ length: count }, (_, index) => `${String(index).padStart(5, "0")}.svg`);
  for (const name of names) await writeFile(join(folder, name), drawingOf(next));
  return names;
}
