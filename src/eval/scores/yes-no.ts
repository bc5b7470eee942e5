import type { Graded, Metric, Unit } from "../task.ts";
import { byCategory, mean, percent } from "./figures.ts";

/** What was said to questions whose answer is yes or no, against what is true. */
interface Counts {
  truePositive: number;
  falsePositive: number;
  /** yes was right, and no was said */
  falseNegative: number;
  right: number;
  /** how often yes was said, and how often it would have been right */
  saidYes: number;
  trulyYes: number;
  all: number;
}

function count(units: readonly Unit[]): Counts {
  const counts = {
    truePositive: 0,
    falsePositive: 0,
    falseNegative: 0,
    right: 0,
    saidYes: 0,
    trulyYes: 0,
    all: 0,
  };
  for (const unit of units) for (const sample of unit) add(counts, sample);
  return counts;
}

function add(counts: Counts, { said, score, truth }: Graded): void {
  const yes = truth.answers[0] === "yes";
  counts.all++;
  counts.right += score;
  if (yes) counts.trulyYes++;
  if (said === "yes") {
    counts.saidYes++;
    if (yes) counts.truePositive++;
    else counts.falsePositive++;
  } else if (said === "no" && yes) counts.falseNegative++;
}

/** Percent of each; 0 where nothing was counted. */
function figures(counts: Counts): {
  readonly accuracy: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
} {
  const { truePositive, falsePositive, falseNegative, right, all } = counts;
  const precision = percent(truePositive, truePositive + falsePositive);
  const recall = percent(truePositive, truePositive + falseNegative);
  const both = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { accuracy: percent(right, all), precision, recall, f1: both };
}

/** F1 of yes over all samples, in percent. */
export function f1(units: readonly Unit[]): number {
  return figures(count(units)).f1;
}

/** The mean over categories of each one's F1, in percent. */
export function meanF1(units: readonly Unit[]): number {
  return mean([...byCategory(units).values()].map(f1));
}

/**
 * Accuracy, precision, recall, F1 and how often yes was said, in percent.
 * @param yesRatio `said`: of the answers; `true`: of the truth, as lmms-eval counts it
 */
export function yesNoFigures(units: readonly Unit[], what: string, yesRatio: "said" | "true"): Metric[] {
  const counts = count(units);
  const { accuracy, precision, recall, f1: both } = figures(counts);
  const yes = yesRatio === "said" ? counts.saidYes : counts.trulyYes;
  return [
    { name: `accuracy${what}`, value: accuracy },
    { name: `precision${what}`, value: precision },
    { name: `recall${what}`, value: recall },
    { name: `F1${what}`, value: both },
    { name: `yes ratio${what}`, value: percent(yes, counts.all) },
  ];
}
