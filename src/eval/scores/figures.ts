import type { Graded, Unit } from "../task.ts";

/** The share of a whole, in percent; 0 of nothing. */
export function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

/** The mean; 0 of nothing. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean score of all samples, in percent. */
export function accuracy(units: readonly Unit[]): number {
  let [sum, count] = [0, 0];
  for (const unit of units) {
    for (const { score } of unit) sum += score;
    count += unit.length;
  }
  return percent(sum, count);
}

/** The units by the category of their first sample, in the order of their names. */
export function byCategory(units: readonly Unit[]): Map<string, Unit[]> {
  const found = new Map<string, Unit[]>();
  for (const unit of units) {
    const category = unit[0]?.truth.category ?? "";
    const there = found.get(category);
    if (there === undefined) found.set(category, [unit]);
    else there.push(unit);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Puts samples of one group together, in the order in which groups begin. */
export function grouped(samples: readonly Graded[]): Unit[] {
  const groups = new Map<string, Graded[]>();
  const units: Graded[][] = [];
  for (const sample of samples) {
    const { group } = sample.truth;
    const there = group === undefined ? undefined : groups.get(group);
    if (there !== undefined) {
      there.push(sample);
      continue;
    }
    const unit = [sample];
    units.push(unit);
    if (group !== undefined) groups.set(group, unit);
  }
  return units;
}
