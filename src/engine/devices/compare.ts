import type { Arithmetic } from "../../core/model/device.ts";
import type { LanguageNumbers, VisionNumbers } from "../../core/model/reference.ts";
import { sketchError } from "../../core/model/sketch.ts";

/**
 * The largest errors, relative in the L2 norm, that a device may make against the CPU. A device that computes in float32 rounds as it
 * likes; in float16, where it need not compute, it has to be as exact as whatever is taken without being asked for.
 */
export const MOST_VISION_ERROR: Readonly<Record<Arithmetic, number>> = { float32: 1e-2, float16: 1e-3 };
/** Weights of few bits are multiplied with activations of other widths on different devices: logits of a sound one are 1e-2 off. */
export const MOST_LANGUAGE_ERROR = 1e-1;
/** Where the likeliest token is ahead of the next by more, every sound device says the same. */
export const SAFE_MARGIN = 0.5;

/** What came of a comparison: errors by what they are of, and what is wrong where something is. */
export interface Comparison {
  readonly errors: Readonly<Record<string, number>>;
  /** a sentence's end, after the device's name; undefined for a sound device */
  readonly wrong: string | undefined;
}

export interface CompareVisionOptions {
  /** The same picture among others in one run: the worse of both counts. @default it was encoded alone */
  readonly together?: VisionNumbers | undefined;
  /** What the device multiplied in. @default "float32" */
  readonly arithmetic?: Arithmetic | undefined;
}

export function compareVision(
  actual: VisionNumbers,
  reference: VisionNumbers,
  { together, arithmetic = "float32" }: CompareVisionOptions = {},
): Comparison {
  const both = together === undefined ? [actual] : [actual, together];
  const worst = (what: keyof VisionNumbers): number =>
    Math.max(...both.map((numbers) => sketchError(numbers[what], reference[what])));
  const errors = {
    features: worst("features"),
    visual_tokens: worst("visualTokens"),
    embq: worst("embq"),
  };
  return { errors, wrong: tooFar(errors, MOST_VISION_ERROR[arithmetic]) };
}

export function compareLanguage(actual: LanguageNumbers, reference: LanguageNumbers): Comparison {
  const errors = {
    queries: sketchError(actual.queries, reference.queries),
    logits: distance(actual.top, reference.top, "logit"),
  };
  const wrong =
    otherToken(actual, reference) ?? tooFar(errors, MOST_LANGUAGE_ERROR) ?? deaf(actual, reference);
  return { errors, wrong };
}

/** Below this EmbQ moves the logits less than a sound device may. */
const LEAST_EFFECT = 1e-2;

/** Whether the rows that EmbQ wrote were of no consequence: the logits are then those of a model without EmbQ. */
function deaf({ top }: LanguageNumbers, reference: LanguageNumbers): string | undefined {
  const effect = distance(
    reference.top.map(({ id, plain }) => ({ id, logit: plain, plain })),
    reference.top,
    "logit",
  );
  if (effect < LEAST_EFFECT) return undefined;
  const without = distance(top, reference.top, "plain");
  if (!(without < distance(top, reference.top, "logit"))) return undefined;
  return "what EmbQ writes between two layers does not reach the next one";
}

function tooFar(errors: Readonly<Record<string, number>>, most: number): string | undefined {
  for (const [what, error] of Object.entries(errors)) {
    if (error <= most) continue;
    const found = Number.isFinite(error)
      ? `are ${error.toPrecision(2)} away from the CPU's`
      : "are no numbers";
    return `its ${what.replace("_", " ")} ${found} (at most ${most} is sound)`;
  }
  return undefined;
}

/**
 * How far the logits of the reference's likeliest tokens are from its own, or from those without EmbQ; of a token that is not among the
 * device's likeliest it is known that it has no more than their least.
 */
function distance(
  actual: LanguageNumbers["top"],
  reference: LanguageNumbers["top"],
  from: "logit" | "plain",
): number {
  const found = new Map(actual.map(({ id, logit }) => [id, logit]));
  const least = Math.min(...actual.map(({ logit }) => logit));
  let difference = 0;
  let norm = 0;
  for (const { id, [from]: expected } of reference) {
    difference += (expected - (found.get(id) ?? Math.min(least, expected))) ** 2;
    norm += expected ** 2;
  }
  return Math.sqrt(difference / norm);
}

/** The first token that differs, unless rounding may choose there; what follows it is another text. */
function otherToken(actual: LanguageNumbers, reference: LanguageNumbers): string | undefined {
  for (const [index, { id, margin }] of reference.greedy.entries()) {
    const said = actual.greedy[index]?.id;
    if (said === id) continue;
    if (margin <= SAFE_MARGIN) return undefined;
    return `it says token ${said ?? "none"} where the CPU says ${id}, which is ${margin.toFixed(1)} ahead of the next`;
  }
  return undefined;
}
