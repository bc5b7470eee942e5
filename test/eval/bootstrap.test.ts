import { expect, it } from "vitest";
import { bootstrap } from "../../src/eval/bootstrap.ts";
import { accuracy, grouped } from "../../src/eval/scores/figures.ts";
import type { Graded, Unit } from "../../src/eval/task.ts";

function samples(count: number, right: number, group?: (index: number) => string): Graded[] {
  return Array.from({ length: count }, (_, index) => ({
    score: index < right ? 1 : 0,
    readable: true,
    truth: { answers: [], group: group?.(index) },
  }));
}

const interval = (units: readonly Unit[], seed = 0): readonly [number, number] => {
  const { low, high } = bootstrap({ units, figure: accuracy, seed });
  return [low, high];
};

it("covers what the binomial distribution says", () => {
  const [low, high] = interval(grouped(samples(400, 320)));
  // 80 +- 1.96 * sqrt(0.8 * 0.2 / 400) = 80 +- 3.92
  expect(low).toBeGreaterThan(75.3);
  expect(low).toBeLessThan(76.9);
  expect(high).toBeGreaterThan(83.1);
  expect(high).toBeLessThan(84.7);
});

it("gives the same again for the same seed, and others for another", () => {
  const units = grouped(samples(100, 60));
  expect(interval(units)).toEqual(interval(units));
  expect(interval(units, 1)).not.toEqual(interval(units));
});

it("is wider where samples of a group are all right or all wrong", () => {
  const alone = interval(grouped(samples(200, 100)));
  const pairs = interval(grouped(samples(200, 100, (index) => String(Math.floor(index / 4)))));
  expect(pairs[1] - pairs[0]).toBeGreaterThan(1.5 * (alone[1] - alone[0]));
});

it("is a point where there is nothing to vary", () => {
  expect(interval(grouped(samples(50, 50)))).toEqual([100, 100]);
});
