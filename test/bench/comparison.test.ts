import { describe, expect, it } from "vitest";
import { type Comparison, comparedVariants, type VariantTimes } from "../../src/bench/comparison.ts";
import { comparisonCsv, comparisonMarkdown } from "../../src/bench/render-comparison.ts";

function times(vision: number, prefill: number, token: number | null = 100): VariantTimes {
  return { load: 900, vision, prefill, token, firstToken: vision + prefill + 2, prefilled: 101 };
}

const EXACT = {
  name: "flashsloth-3.2b",
  quant: "q4_k_m",
  visionPrecision: "fp32",
  featureError: 0,
  bytes: 3_600_000_000,
  languageBytes: 1_900_000_000,
  times: [times(4000, 4400), times(5000, 4000), times(4100, 9000)],
} as const;
const SMALL = {
  ...EXACT,
  quant: "q4_0",
  visionPrecision: "mixed",
  visionBudget: 0.01,
  featureError: 0.00912,
  bytes: 2_100_000_000,
  languageBytes: 1_700_000_000,
  times: [times(2050, 3300, 70), times(2000, 3000, 69), times(2100, 3100, 71)],
} as const;

const ROWS = comparedVariants([EXACT, SMALL]);
const COMPARISON: Comparison = {
  versions: { flashsloth: "0.1.0", node: "20.20.2", onnxruntime: "1.30.0", llama_cpp: "v0.4.0" },
  machine: { cpu: "A CPU", logical_cpus: 2, memory_bytes: 24 * 2 ** 30, system: "linux 6 x64" },
  device: { vision: "cpu", language: "cpu" },
  threads: 2,
  picture: { name: "a.jpg", size: "1600 x 1200" },
  question: "What?",
  warmup: 1,
  repeat: 3,
  tokens: { prompt: 133, prompt_kept: 32, answer: 32 },
  variants: ROWS,
  notes: ["a note"],
};

describe("a comparison of variants", () => {
  it("takes medians of each, and what part they are of the first one's", () => {
    expect(ROWS).toHaveLength(2);
    expect(ROWS[0]).toMatchObject({
      vision_ms: 4100,
      prefill_ms: 4400,
      time_to_first_token_ms: 9002,
      vision_of_first: 1,
      prefill_of_first: 1,
      token_of_first: 1,
      time_to_first_token_of_first: 1,
      vision_budget: null,
    });
    expect(ROWS[1]).toMatchObject({
      quant: "q4_0",
      vision_precision: "mixed",
      vision_budget: 0.01,
      vision_of_first: 0.5,
      prefill_ms: 3100,
      prefill_tokens_per_second: 32.5806,
      token_ms: 70,
      token_of_first: 0.7,
      time_to_first_token_ms: 5202,
      time_to_first_token_of_first: 0.577872,
    });
  });

  it("says nothing of generation where one token was all", () => {
    const [first, second] = comparedVariants([EXACT, { ...SMALL, times: [times(1, 1, null)] }]);
    expect(first?.token_of_first).toBe(1);
    expect(second).toMatchObject({ token_ms: null, token_of_first: null });
    expect(comparedVariants([])).toEqual([]);
  });

  it("is a table with a line for each", () => {
    const text = comparisonMarkdown(COMPARISON);
    expect(text).toContain(
      "| flashsloth-3.2b q4_k_m, fp32 vision | 3.60 GB | 1.90 GB | 0 | 4.10 s (1.00) | 4.40 s (1.00) | 23.0 | 100.0 ms (1.00) | 9.00 s (1.00) |\n" +
        "| flashsloth-3.2b q4_0, mixed vision within 0.01 | 2.10 GB | 1.70 GB | 0.0091 | 2.05 s (0.50) | 3.10 s (0.70) | 32.6 | 70.0 ms (0.70) | 5.20 s (0.58) |\n",
    );
    expect(text).toMatch(/- note: a note\n$/);
  });

  it("has the same columns as CSV, empty where there is nothing", () => {
    const [header, first, second, end] = comparisonCsv(COMPARISON).split("\r\n");
    expect(header?.split(",")).toEqual(Object.keys(ROWS[0] ?? {}));
    expect(first).toMatch(/^flashsloth-3\.2b,q4_k_m,fp32,,0,3600000000,1900000000,900,4100,/);
    expect(second).toMatch(/^flashsloth-3\.2b,q4_0,mixed,0\.01,0\.00912,/);
    expect(end).toBe("");
  });
});
