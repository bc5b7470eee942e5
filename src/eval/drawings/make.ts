import { randomNumbers } from "../../core/random.ts";
import { askAbout, type Asked } from "./questions.ts";
import { Dice, makeScene, VARIATIONS, type Variation } from "./scene.ts";
import { svgOf } from "./svg.ts";

/** A drawing and a question about it. */
export interface Drawing extends Asked {
  /** `drawing-007-plain.png` */
  readonly name: string;
  readonly variation: Variation;
  readonly svg: Uint8Array;
}

/** Half of the drawings are plain; the other half stretches the rule, each in one way. */
const TURNS: readonly Variation[] = VARIATIONS.slice(1).flatMap((each) => ["plain", each] as const);

/** The drawing of a number, whichever others are made: the same on every machine. */
export function makeDrawing(index: number, seed: number): Drawing {
  const variation = TURNS[index % TURNS.length] ?? "plain";
  const dice = new Dice(randomNumbers(Math.imul(seed + 1, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b)));
  const scene = makeScene(dice, variation);
  const name = `drawing-${String(index).padStart(3, "0")}-${variation}.png`;
  return { ...askAbout(dice, scene), name, variation, svg: svgOf(scene) };
}
