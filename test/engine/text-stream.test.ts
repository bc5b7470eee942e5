import { describe, expect, it } from "vitest";
import { TextStream } from "../../src/engine/text-stream.ts";

const ANSWERS = [" Red.", "Größe: 3 m²", "猫と犬 🐈‍⬛", "\n\n  a\n b \n", "", "   ", "a  b"];

/** The pieces that come out when `bytes` arrive `step` at a time. */
function pieces(bytes: Uint8Array, step: number): { pieces: string[]; text: string } {
  const stream = new TextStream();
  const out: string[] = [];
  for (let start = 0; start < bytes.length; start += step)
    out.push(stream.push(bytes.subarray(start, start + step)));
  out.push(stream.end());
  return { pieces: out, text: stream.text };
}

describe("TextStream", () => {
  it.each(ANSWERS)("gives %j whole, however its bytes are cut", (answer) => {
    const bytes = new TextEncoder().encode(answer);
    const expected = answer.trim();
    for (const step of [1, 2, 3, 5, 64]) {
      const result = pieces(bytes, step);
      expect(result.text).toBe(expected);
      expect(result.pieces.join("")).toBe(expected);
      for (const piece of result.pieces) expect(piece).not.toContain("\uFFFD");
    }
  });

  it("never emits half a character", () => {
    const stream = new TextStream();
    const [a, b, c, d] = new TextEncoder().encode("🐈");
    expect([a, b, c].map((byte) => stream.push(Uint8Array.of(byte ?? 0)))).toEqual(["", "", ""]);
    expect(stream.push(Uint8Array.of(d ?? 0))).toBe("🐈");
  });

  it("marks a character that was never finished", () => {
    const stream = new TextStream();
    stream.push(Uint8Array.of(0x61, 0xf0, 0x9f));
    expect(stream.end()).toBe("\uFFFD");
    expect(stream.text).toBe("a\uFFFD");
  });
});
