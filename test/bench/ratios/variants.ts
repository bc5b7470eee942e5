import { runComparison } from "../../../src/bench/compare.ts";
import type { VariantRow } from "../../../src/bench/comparison.ts";
import { startEngine } from "../../../src/engine/client.ts";
import { type Figure, ms, type Setup } from "./figure.ts";

/** Where 8-bit integers are multiplied by instructions of their own, mixed vision has to gain more. */
const MIXED_BARS: Readonly<Record<"vnni" | "plain", number>> = { vnni: 0.65, plain: 0.8 };

/** A faster and less exact variant of the model against the model, both loaded in turn. Nothing without another folder. */
export async function variantFigures(setup: Setup): Promise<Figure[]> {
  const { directory, other, picture, question, threads, rounds, cpu } = setup;
  if (other === undefined) return [];
  const { variants } = await runComparison({
    directories: [directory, other],
    model: { device: "cpu", threads },
    picture,
    pictureName: picture,
    question,
    tokens: 16,
    warmup: 1,
    repeat: rounds,
    startEngine,
  });
  const [exact, small] = variants;
  if (exact === undefined || small === undefined) throw new RangeError(`${other} is the same folder`);
  const hasVnni = /VNNI|AMX|i8mm/.test(cpu.instructions);
  const figures: Figure[] = [
    {
      name: `first word, ${show(small)} / ${show(exact)}, warm`,
      value: small.time_to_first_token_of_first,
      bar: { atMost: 0.65 },
      detail: `${ms(small.time_to_first_token_ms)} and ${ms(exact.time_to_first_token_ms)}: vision ${ms(small.vision_ms)} and ${ms(exact.vision_ms)}, prefill ${ms(small.prefill_ms)} and ${ms(exact.prefill_ms)}`,
    },
  ];
  if (small.vision_precision === "mixed" && exact.vision_precision === "fp32") {
    figures.unshift({
      name: "vision, mixed / fp32",
      value: small.vision_of_first,
      bar: { atMost: hasVnni ? MIXED_BARS.vnni : MIXED_BARS.plain },
      detail: `${ms(small.vision_ms)} and ${ms(exact.vision_ms)}; features within ${small.feature_error.toPrecision(2)}`,
    });
  }
  return figures;
}

function show({ quant, vision_precision: precision }: VariantRow): string {
  return `${quant} + ${precision}`;
}
