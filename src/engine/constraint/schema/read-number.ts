import type { JsonObject } from "./document.ts";
import { NUMBER_DIGITS } from "./limits.ts";
import type { NumberNode, NumberRange } from "./nodes.ts";
import { refusal } from "./refusal.ts";

const BOUNDS = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] as const;

/** A decimal number: `digits` times 10^-fraction, as short as it can be. */
interface Decimal {
  readonly digits: bigint;
  readonly fraction: number;
}

/**
 * Bounds as exact decimals. A number in JSON is read as a double; of decimals with up to 15 digits no two become the
 * same double and their order stays, so that what is between the bounds as a text is between them as a number.
 */
export function readNumber(schema: JsonObject, at: string, integer: boolean): NumberNode {
  const given = BOUNDS.filter((keyword) => schema[keyword] !== undefined);
  if (given.length === 0) return { kind: "number", at, integer, range: undefined };
  const bounds = new Map(
    given.flatMap((keyword) => {
      const bound = readBound(schema[keyword], keyword, at);
      return bound === undefined ? [] : [[keyword, bound] as const];
    }),
  );
  const range = numberRange(bounds, integer, at);
  if (range.low > range.high) {
    throw refusal(
      at,
      `no ${integer ? "integer" : "number"} lies within ${given.join(" and ")}`,
      "correct the bounds",
    );
  }
  return { kind: "number", at, integer, range };
}

/** Undefined for a bound beyond all numbers that are generated, such as the largest safe integer. */
function readBound(value: unknown, keyword: (typeof BOUNDS)[number], at: string): Decimal | undefined {
  if (typeof value !== "number") {
    throw refusal(at, `"${keyword}" must be a number`, `such as "${keyword}": 0`);
  }
  const isUpper = keyword === "maximum" || keyword === "exclusiveMaximum";
  if ((isUpper ? value : -value) >= 10 ** NUMBER_DIGITS) return undefined;
  const decimal = toDecimal(value);
  if (digitCount(decimal) > NUMBER_DIGITS || decimal.fraction > NUMBER_DIGITS) {
    throw refusal(
      at,
      `"${keyword}" ${value} needs more than ${NUMBER_DIGITS} digits`,
      "round it, or leave it out",
    );
  }
  return decimal;
}

function digitCount({ digits }: Decimal): number {
  return String(digits).replace("-", "").length;
}

/** The shortest decimal that reads as `value`, written without an exponent. */
function toDecimal(value: number): Decimal {
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const [whole = "", part = ""] = mantissa.split(".");
  const fraction = part.length - Number(exponent);
  const digits = BigInt(whole + part);
  return fraction < 0 ? { digits: digits * 10n ** BigInt(-fraction), fraction: 0 } : { digits, fraction };
}

function numberRange(bounds: ReadonlyMap<string, Decimal>, integer: boolean, at: string): NumberRange {
  const all = [...bounds.values()];
  const finest = Math.max(0, ...all.map((bound) => bound.fraction));
  const wholeDigits = Math.max(1, ...all.map((bound) => digitCount(bound) - bound.fraction));
  const exact = NUMBER_DIGITS - wholeDigits;
  if (!integer && finest > exact) {
    throw refusal(at, `the bounds need more than ${NUMBER_DIGITS} digits together`, "round them");
  }
  // an integer's bounds are compared at their own precision, and then cut to whole numbers
  const fraction = integer ? finest : exact;
  const unit = 10n ** BigInt(fraction);
  const limit = 10n ** BigInt(NUMBER_DIGITS) * unit - 1n;
  const scaled = (keyword: string, beyond: bigint): bigint[] => {
    const bound = bounds.get(keyword);
    return bound === undefined ? [] : [bound.digits * 10n ** BigInt(fraction - bound.fraction) + beyond];
  };
  const lows = [...scaled("minimum", 0n), ...scaled("exclusiveMinimum", 1n)];
  const highs = [...scaled("maximum", 0n), ...scaled("exclusiveMaximum", -1n)];
  const low = lows.reduce((most, bound) => (bound > most ? bound : most), -limit);
  const high = highs.reduce((least, bound) => (bound < least ? bound : least), limit);
  if (!integer) return { low, high, fraction };
  return { low: -floorDivide(-low, unit), high: floorDivide(high, unit), fraction: 0 };
}

/** The largest integer that is at most a / b, for b > 0; BigInt's own division rounds towards zero. */
function floorDivide(a: bigint, b: bigint): bigint {
  return a / b - (a % b < 0n ? 1n : 0n);
}
