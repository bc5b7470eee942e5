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
  const bounds = new Map(given.map((keyword) => [keyword, readBound(schema[keyword], keyword, at)]));
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

function readBound(value: unknown, keyword: string, at: string): Decimal {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw refusal(at, `"${keyword}" must be a number`, `such as "${keyword}": 0`);
  }
  const decimal = toDecimal(value);
  const tooLong = String(decimal.digits).replace("-", "").length > NUMBER_DIGITS;
  if (tooLong || decimal.fraction > NUMBER_DIGITS) {
    throw refusal(
      at,
      `"${keyword}" ${value} needs more than ${NUMBER_DIGITS} digits`,
      "round it, or leave it out",
    );
  }
  return decimal;
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
  const finest = Math.max(...[...bounds.values()].map((bound) => bound.fraction));
  const wholeDigits = Math.max(
    ...[...bounds.values()].map((bound) => String(bound.digits).replace("-", "").length - bound.fraction),
    1,
  );
  const exact = NUMBER_DIGITS - wholeDigits;
  if (!integer && finest > exact) {
    throw refusal(at, `the bounds need more than ${NUMBER_DIGITS} digits together`, "round them");
  }
  // an integer's bounds are compared at their own precision, and then cut to whole numbers
  const fraction = integer ? finest : exact;
  const unit = 10n ** BigInt(fraction);
  const scaled = (keyword: string, exclusive: bigint): bigint | undefined => {
    const bound = bounds.get(keyword);
    if (bound === undefined) return undefined;
    return bound.digits * 10n ** BigInt(fraction - bound.fraction) + exclusive;
  };
  const limit = 10n ** BigInt(NUMBER_DIGITS) * unit - 1n;
  const lows = [scaled("minimum", 0n), scaled("exclusiveMinimum", 1n), -limit];
  const highs = [scaled("maximum", 0n), scaled("exclusiveMaximum", -1n), limit];
  const low = lows.reduce<bigint>(
    (most, bound) => (bound !== undefined && bound > most ? bound : most),
    -limit,
  );
  const high = highs.reduce<bigint>(
    (least, bound) => (bound !== undefined && bound < least ? bound : least),
    limit,
  );
  if (!integer) return { low, high, fraction };
  return { low: -floorDivide(-low, unit), high: floorDivide(high, unit), fraction: 0 };
}

/** The largest integer that is at most a / b, for b > 0; BigInt's own division rounds towards zero. */
function floorDivide(a: bigint, b: bigint): bigint {
  return a / b - (a % b < 0n ? 1n : 0n);
}
