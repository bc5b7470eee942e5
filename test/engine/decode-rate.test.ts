import { describe, expect, it } from "vitest";
import { decodeRate } from "../../src/engine/decode-rate.ts";

const MS = { decode: 200 };

describe("decodeRate", () => {
  it("counts the tokens after the first", () => {
    expect(decodeRate({ tokens: { answer: 5 }, ms: MS })).toBe(20);
  });

  it("is null where there is nothing to divide", () => {
    expect(decodeRate({ tokens: { answer: 1 }, ms: MS })).toBeNull();
    expect(decodeRate({ tokens: { answer: 0 }, ms: MS })).toBeNull();
    expect(decodeRate({ tokens: { answer: 5 }, ms: { decode: 0 } })).toBeNull();
  });
});
