import { describe, expect, it } from "vitest";
import { benchStages } from "../../../src/pipeline/stages.ts";
import { stageTable } from "../../../src/cli/ask/stage-table.ts";

const INPUT = {
  picture: { features: 729, visualTokens: 81, cached: false },
  answer: { tokens: { answer: 5 }, ms: { embq: 2.04, decode: 200 }, reusedPositions: 32 },
  times: { image: 5, vision: 12_345, prefill: 30, first_token: 4, total: 12_584 },
  info: { device: { vision: "cpu", language: "cpu" } as const, threads: 2, parallel: 4 },
  peakMemoryBytes: 300 * 2 ** 20,
};

describe("stageTable", () => {
  it("shows every stage, the compression and the peak memory", () => {
    expect(stageTable("a.png", benchStages(INPUT))).toBe(
      [
        "a.png",
        "  image         5.0 ms",
        "  vision        12.35 s",
        "  prefill       30.0 ms (EmbQ 2.0 ms)",
        "  first token   4.0 ms",
        "  decode        20.0 tokens/s",
        "  total         12.58 s",
        "  image tokens  729 -> 81 (9.0 to 1)",
        "  peak memory   300 MiB",
        "  device        vision cpu, language cpu",
        "  threads       2",
        "  at once       4",
        "  kept          32 positions of the prompt",
        "",
      ].join("\n"),
    );
  });

  it("says so when there was no token after the first", () => {
    const answer = { ...INPUT.answer, tokens: { answer: 1 } };
    expect(stageTable("a.png", benchStages({ ...INPUT, answer }))).toContain(
      "decode        no token after the first",
    );
  });
});
