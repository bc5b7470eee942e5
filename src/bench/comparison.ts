import type { Variant } from "../core/model/variant.ts";
import type { Machine, Versions } from "../engine/machine.ts";
import type { BenchReport } from "./report.ts";
import { median } from "./statistics.ts";

/** One measurement of a variant, in milliseconds. */
export interface VariantTimes {
  readonly load: number;
  readonly vision: number;
  readonly prefill: number;
  /** one generated token; null where there was only one */
  readonly token: number | null;
  /** picture, vision, prefill and first token of a loaded model */
  readonly firstToken: number;
  /** positions that the prefill computed */
  readonly prefilled: number;
}

/** What was measured of a variant. */
export interface ComparedVariant extends Variant {
  readonly name: string;
  readonly featureError: number;
  /** of all its files, and of the language model's */
  readonly bytes: number;
  readonly languageBytes: number;
  /** one for each round */
  readonly times: readonly VariantTimes[];
}

/** One line of a comparison; the fields are those of `--json` and the columns of `--csv`. Times are medians. */
export interface VariantRow {
  readonly model: string;
  readonly quant: string;
  readonly vision_precision: string;
  /** of mixed vision, where it is not the default */
  readonly vision_budget: number | null;
  /** of the vision encoder's features against fp32, as the manifest has it */
  readonly feature_error: number;
  readonly disk_bytes: number;
  readonly language_bytes: number;
  readonly load_ms: number;
  readonly vision_ms: number;
  readonly prefill_ms: number;
  readonly prefill_tokens_per_second: number;
  readonly token_ms: number | null;
  readonly time_to_first_token_ms: number;
  /** each of the times above as a part of the first line's */
  readonly vision_of_first: number;
  readonly prefill_of_first: number;
  readonly token_of_first: number | null;
  readonly time_to_first_token_of_first: number;
}

/** Everything that `flashsloth bench --compare` says, as plain data. */
export interface Comparison extends Pick<
  BenchReport,
  "device" | "threads" | "picture" | "question" | "warmup" | "repeat" | "notes"
> {
  readonly versions: Versions;
  readonly machine: Machine;
  readonly tokens: { readonly prompt: number; readonly prompt_kept: number; readonly answer: number };
  readonly variants: readonly VariantRow[];
}

/** The table: each variant's medians, and what part they are of the first one's. */
export function comparedVariants(variants: readonly ComparedVariant[]): VariantRow[] {
  const [first] = variants;
  if (first === undefined) return [];
  const base = medians(first.times);
  return variants.map((variant): VariantRow => {
    const each = medians(variant.times);
    return {
      model: variant.name,
      quant: variant.quant,
      vision_precision: variant.visionPrecision,
      vision_budget: variant.visionBudget ?? null,
      feature_error: variant.featureError,
      disk_bytes: variant.bytes,
      language_bytes: variant.languageBytes,
      load_ms: rounded(each.load),
      vision_ms: rounded(each.vision),
      prefill_ms: rounded(each.prefill),
      prefill_tokens_per_second: rounded((1000 * each.prefilled) / each.prefill),
      token_ms: each.token === null ? null : rounded(each.token),
      time_to_first_token_ms: rounded(each.firstToken),
      vision_of_first: rounded(each.vision / base.vision),
      prefill_of_first: rounded(each.prefill / base.prefill),
      token_of_first: each.token === null || base.token === null ? null : rounded(each.token / base.token),
      time_to_first_token_of_first: rounded(each.firstToken / base.firstToken),
    };
  });
}

function medians(times: readonly VariantTimes[]): VariantTimes {
  const of = (value: (each: VariantTimes) => number): number => median(times.map(value));
  const tokens = times.flatMap(({ token }) => token ?? []);
  return {
    load: of(({ load }) => load),
    vision: of(({ vision }) => vision),
    prefill: of(({ prefill }) => prefill),
    token: tokens.length > 0 ? median(tokens) : null,
    firstToken: of(({ firstToken }) => firstToken),
    prefilled: of(({ prefilled }) => prefilled),
  };
}

/** To six digits: more are noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
