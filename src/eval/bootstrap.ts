import { randomNumbers } from "../core/random.ts";
import type { Unit } from "./task.ts";

/** What a score would have been on other samples of the same kind. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** 0.95 */
  readonly level: number;
  readonly resamples: number;
  readonly seed: number;
}

export interface BootstrapOptions {
  readonly units: readonly Unit[];
  readonly figure: (units: readonly Unit[]) => number;
  /** @default 1000 */
  readonly resamples?: number | undefined;
  /** @default 0 */
  readonly seed?: number | undefined;
}

const LEVEL = 0.95;

/**
 * The percentile bootstrap (Efron 1979): as many units are drawn as there are, with replacement, again and again; the interval
 * holds the middle 95 % of the figures. What belongs together (a picture's pair of questions in MME) is drawn together.
 */
export function bootstrap(options: BootstrapOptions): Interval {
  const { units, figure, resamples = 1000, seed = 0 } = options;
  const next = randomNumbers(seed);
  const drawn: Unit[] = Array.from({ length: units.length });
  const figures: number[] = [];
  for (let round = 0; round < resamples; round++) {
    for (let at = 0; at < drawn.length; at++) drawn[at] = units[Math.floor(next() * units.length)] ?? [];
    figures.push(figure(drawn));
  }
  figures.sort((a, b) => a - b);
  const tail = (1 - LEVEL) / 2;
  return { low: quantile(figures, tail), high: quantile(figures, 1 - tail), level: LEVEL, resamples, seed };
}

/** Linear between the two nearest of ascending values. */
function quantile(values: readonly number[], at: number): number {
  const place = at * (values.length - 1);
  const [low = 0, high = low] = [values[Math.floor(place)], values[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}
