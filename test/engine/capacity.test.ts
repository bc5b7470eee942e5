import { describe, expect, it } from "vitest";
import { contextCapacity, positionsFor, rowTile, usesFlashAttention } from "../../src/engine/capacity.ts";
import { Prompt, tokenizePrompt } from "../../src/engine/prompt.ts";
import { PUBLISHED } from "../bench/published-sizes.ts";

const GEOMETRY = PUBLISHED;

/** The worst tokenizer there can be: a token a byte. */
const BYTES = {
  tokenize: (text: string): number[] => [...Buffer.from(text)],
  endTokens: [1],
  embed: () => new Float32Array(),
  queries: new Float32Array(GEOMETRY.queries * GEOMETRY.hiddenSize),
};

function promptLength(question: string): number {
  const tokens = tokenizePrompt(BYTES, question);
  const visualTokens = new Float32Array(GEOMETRY.tokensPerCrop * GEOMETRY.hiddenSize);
  return new Prompt({ language: BYTES, geometry: GEOMETRY, tokens, picture: 1, visualTokens, embq: true })
    .length;
}

describe("the room that a question takes", () => {
  it.each(["?", "What is this?", "Was ist das für ein Vogel, 何の鳥ですか?", "x".repeat(900)])(
    "is enough for %s",
    (question) => {
      const maxTokens = 100;
      const questionBytes = Buffer.byteLength(question);
      const room = positionsFor({ geometry: GEOMETRY, questionBytes, maxTokens });
      const needed = promptLength(question) + maxTokens;
      expect(room).toBeGreaterThanOrEqual(needed);
      expect(room - needed).toBeLessThan(8);
    },
  );

  it("is never more than the model's context", () => {
    const all = { geometry: GEOMETRY, questionBytes: 100_000, maxTokens: 512 };
    expect(positionsFor(all)).toBe(GEOMETRY.contextLength);
  });

  it("keeps the context of a single question small", () => {
    const positions = positionsFor({ geometry: GEOMETRY, questionBytes: 20, maxTokens: 512 });
    expect(contextCapacity({ geometry: GEOMETRY, parallel: 1, positions }).cells).toBeLessThan(
      contextCapacity({ geometry: GEOMETRY, parallel: 1 }).cells / 1.9,
    );
  });
});

describe("flash attention", () => {
  it("is left off for prompts that a CPU would compute row by row", () => {
    const small = { ...GEOMETRY, tokensPerCrop: 9 };
    expect([usesFlashAttention(small, "cpu"), usesFlashAttention(small, "cuda")]).toEqual([false, true]);
    expect(usesFlashAttention(GEOMETRY, "cpu")).toBe(true);
  });
});

describe("the tile that rows are computed in", () => {
  const amx = { device: "cpu", features: ["AVX512", "AMX_INT8"] };

  it("is AMX's, on a CPU that has it", () => {
    expect(rowTile(GEOMETRY, amx)?.rows).toBe(32);
    expect(rowTile(GEOMETRY, { device: "cpu", features: ["AVX512"] })).toBeUndefined();
    expect(rowTile(GEOMETRY, { ...amx, device: "vulkan" })).toBeUndefined();
  });

  it("is none for a model so tiny that each graph costs more than its products", () => {
    expect(rowTile({ hiddenSize: 128 }, amx)).toBeUndefined();
  });
});
