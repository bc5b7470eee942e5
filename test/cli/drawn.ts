import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { random } from "../random.ts";

const COLOURS = ["red", "green", "blue", "yellow", "purple", "orange"] as const;
/** Pixels of a side, as the evaluation's drawings have them. */
const SIDES = { from: 126, to: 400 };
/** As many as libuv's pool has threads. */
const AT_ONCE = 4;

/** A drawing of the kind that the demo model knows: a shape or two on a plain ground. An SVG of 96 units a side. */
function drawingOf(next: () => number): string {
  const pick = (count: number): number => Math.floor(next() * count);
  const shapes = Array.from({ length: 1 + pick(2) }, () => {
    const [x, y, size] = [16 + 64 * next(), 16 + 64 * next(), 8 + 16 * next()].map((each) => each.toFixed(2));
    const colour = COLOURS[pick(COLOURS.length)];
    const [middle, half] = [`cx="${x}" cy="${y}"`, Number(size)];
    return pick(2) === 0
      ? `<circle ${middle} r="${half}" fill="${colour}"/>`
      : `<rect x="${Number(x) - half}" y="${Number(y) - half}" width="${2 * half}" height="${2 * half}" fill="${colour}"/>`;
  });
  const side = SIDES.from + pick(SIDES.to - SIDES.from);
  const ground = `<rect width="96" height="96" fill="white"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="${side}" height="${side}">${ground}${shapes.join("")}</svg>`;
}

/** Fills a folder with drawings, the same for the same seed, and none like another. @returns their names, sorted */
export async function draw(folder: string, count: number, seed: number): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const next = random(seed);
  const drawings = Array.from({ length: count }, (_, index) => ({
    name: `${String(index).padStart(5, "0")}.png`,
    svg: drawingOf(next),
  }));
  const left = drawings.values();
  const some = async (): Promise<void> => {
    for (const { name, svg } of left) {
      await sharp(Buffer.from(svg)).flatten().png({ compressionLevel: 2 }).toFile(join(folder, name));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return drawings.map(({ name }) => name);
}
