import { NUMBER_DIGITS } from "../schema/limits.ts";
import type { NumberNode, NumberRange } from "../schema/nodes.ts";
import { literal, type GrammarRules } from "./rules.ts";

/** An exponent of two digits: more would not stay a finite number. */
const EXPONENT = "[eE] [-+]? [0-9]{1,2}";

/** A number of at most 15 digits before the point and 15 after it. Within bounds it is written without an exponent. */
export function numberRule(rules: GrammarRules, { integer, range }: NumberNode): string {
  if (range !== undefined) return rangeRule(rules, range);
  const natural = `"0" | [1-9] [0-9]{0,${NUMBER_DIGITS - 1}}`;
  if (integer) return rules.add("integer", `"0" | "-"? [1-9] [0-9]{0,${NUMBER_DIGITS - 1}}`);
  return rules.add("number", `"-"? ( ${natural} ) ( "." [0-9]{1,${NUMBER_DIGITS}} )? ( ${EXPONENT} )?`);
}

/** All decimals from `low` to `high` with up to `fraction` digits after the point; no "-0". */
function rangeRule(rules: GrammarRules, { low, high, fraction }: NumberRange): string {
  const signs: string[] = [];
  if (high >= 0n) signs.push(magnitudeRule(rules, low > 0n ? low : 0n, high, fraction));
  if (low < 0n) signs.push(`"-" ${magnitudeRule(rules, high < 0n ? -high : 1n, -low, fraction)}`);
  return rules.add("number", signs.join(" | "));
}

/** One alternative for each count of digits before the point, the most digits last. */
function magnitudeRule(rules: GrammarRules, low: bigint, high: bigint, fraction: number): string {
  const unit = 10n ** BigInt(fraction);
  const alternatives: string[] = [];
  for (let whole = String(low / unit).length; whole <= String(high / unit).length; whole++) {
    const least = whole === 1 ? 0n : 10n ** BigInt(whole - 1) * unit;
    const most = 10n ** BigInt(whole) * unit - 1n;
    const spell = (value: bigint): string => String(value).padStart(whole + fraction, "0");
    const digits = new DigitRules(
      rules,
      spell(low > least ? low : least),
      spell(high < most ? high : most),
      whole,
    );
    alternatives.push(digits.from(0, true, true));
  }
  return rules.add("magnitude", alternatives.join(" | "));
}

/** Numbers between two of equally many digits, `whole` of them before the point. Those after it may be left out, as zeros. */
class DigitRules {
  readonly #rules: GrammarRules;
  readonly #low: string;
  readonly #high: string;
  readonly #whole: number;

  constructor(rules: GrammarRules, low: string, high: string, whole: number) {
    this.#rules = rules;
    this.#low = low;
    this.#high = high;
    this.#whole = whole;
  }

  /**
   * What may follow `index` digits. `onLow`: they are those of the lower bound, so that what follows must not be less than
   * the rest of it; `onHigh` likewise.
   */
  from(index: number, onLow: boolean, onHigh: boolean): string {
    const boundLow = onLow && /[1-9]/.test(this.#low.slice(index));
    const boundHigh = onHigh && /[0-8]/.test(this.#high.slice(index));
    if (index < this.#whole) return this.#digit(index, boundLow, boundHigh);
    if (index === this.#low.length) return literal("");
    const point = index === this.#whole ? `"." ` : "";
    const more = `${point}${this.#digit(index, boundLow, boundHigh)}`;
    return this.#rules.add("digits", boundLow ? more : `${more} | ${literal("")}`);
  }

  #digit(index: number, onLow: boolean, onHigh: boolean): string {
    const least = onLow ? Number(this.#low[index]) : 0;
    const most = onHigh ? Number(this.#high[index]) : 9;
    const branches: string[] = [];
    const add = (from: number, to: number, low: boolean, high: boolean): void => {
      if (from <= to) branches.push(`[${from}-${to}] ${this.from(index + 1, low, high)}`);
    };
    if (least === most) add(least, most, onLow, onHigh);
    else {
      if (onLow) add(least, least, true, false);
      add(onLow ? least + 1 : least, onHigh ? most - 1 : most, false, false);
      if (onHigh) add(most, most, false, true);
    }
    return this.#rules.add("digit", branches.join(" | "));
  }
}
