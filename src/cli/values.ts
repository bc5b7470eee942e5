import { InvalidArgumentError } from "commander";
import { VISION_BUDGETS } from "../core/model/variant.ts";
import { MAX_PIXELS } from "../image/max-pixels.ts";
import type { Shard } from "../pipeline/sources/shard.ts";

/** A whole number within bounds, written in decimal digits. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  };
}

/** A decimal number that `accepts` takes; `expected` says in words which those are. */
export function decimal(expected: string, accepts: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value) || !accepts(value)) throw new InvalidArgumentError(`expected ${expected}`);
    return value;
  };
}

/** Text with something in it. */
export function filled(what: string): (text: string) => string {
  return (text) => {
    if (text.trim() === "") throw new InvalidArgumentError(`expected ${what}`);
    return text;
  };
}

/** Longest time that a timer of Node can wait, in seconds. */
const LONGEST_TIMEOUT = 2_147_483;

export const threadCount: (text: string) => number = wholeNumber(1, 1024);
export const tokenCount: (text: string) => number = wholeNumber(1, 1_000_000);
export const seedValue: (text: string) => number = wholeNumber(0, 0xffff_ffff);
export const temperatureValue: (text: string) => number = decimal("a number from 0 to 100", (t) => t <= 100);
export const topPValue: (text: string) => number = decimal(
  "a number above 0 and up to 1",
  (p) => p > 0 && p <= 1,
);
export const visionBudget: (text: string) => number = decimal(
  `a number from ${VISION_BUDGETS.least} to ${VISION_BUDGETS.most}`,
  (error) => error >= VISION_BUDGETS.least && error <= VISION_BUDGETS.most,
);
export const probability: (text: string) => number = decimal("a number from 0 to 1", (p) => p <= 1);
export const timeoutSeconds: (text: string) => number = decimal(
  `a number of seconds above 0 and up to ${LONGEST_TIMEOUT}`,
  (seconds) => seconds > 0 && seconds <= LONGEST_TIMEOUT,
);

/** 0 stands for any that is free. */
export const portNumber: (text: string) => number = wholeNumber(0, 65_535);
export const queueLength: (text: string) => number = wholeNumber(0, 100_000);

/** Gathers an option that may be given several times. */
export function eachOf(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

/** `auto`, or how many questions are worked on at once. */
export function parallelCount(text: string): number | "auto" {
  return text === "auto" ? text : wholeNumber(1, 64)(text);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** Bytes: `500000000`, `500M`, `1.5G`. */
export function byteCount(text: string): number {
  const [, figure, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(figure) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  if (figure === undefined || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError("expected bytes, like 500M or 2G");
  }
  return bytes;
}

/** Pixels: `50000000`, `50M`. */
export function pixelCount(text: string): number {
  const [, figure, unit = ""] = /^(\d+(?:\.\d+)?)([kmg]?)$/i.exec(text) ?? [];
  const pixels = Math.floor(Number(figure) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  if (pixels >= 1 && pixels <= MAX_PIXELS) return pixels;
  throw new InvalidArgumentError(`expected pixels, from 1 to ${MAX_PIXELS / 1e6}M`);
}

/** More machines than anybody has; the remainder of a 48-bit hash is even enough for that many. */
const MOST_SHARDS = 1_000_000;

/** `K/N`: the K-th of N parts. */
export function shardValue(text: string): Shard {
  const [, part, of] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []).map(Number);
  if (part === undefined || of === undefined) {
    throw new InvalidArgumentError("expected K/N, such as 2/8 for the second of eight parts");
  }
  if (of < 1 || of > MOST_SHARDS) throw new InvalidArgumentError(`expected from 1 to ${MOST_SHARDS} parts`);
  if (part < 1 || part > of) {
    throw new InvalidArgumentError(`the parts are numbered from 1 to ${of}: ${part} is none of them`);
  }
  return { part, of };
}
