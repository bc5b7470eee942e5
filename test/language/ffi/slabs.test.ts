import { describe, expect, it } from "vitest";
import type { NamedTensor } from "../../../src/language/ffi/gguf.ts";
import { slabBytes, slabsOf } from "../../../src/language/ffi/slabs.ts";

const BEFORE: readonly NamedTensor[] = [
  { name: "matrix", type: "F16", shape: [1000, 64], offset: 4096, byteLength: 128_000 },
  { name: "bias", type: "F32", shape: [64], offset: 132_096, byteLength: 256 },
];
const AFTER: readonly NamedTensor[] = [
  { name: "matrix", type: "IQ4_NL", shape: [1000, 64], offset: 512, byteLength: 36_000 },
  { name: "bias", type: "F32", shape: [64], offset: 36_512, byteLength: 256 },
];

describe("the slabs of a file", () => {
  // a row is 128 bytes, 256 as float32, and 36 in the end
  it.each([1e6, 42_000, 1000, 1])("follow each other without a gap, in at most %d bytes", (most) => {
    const slabs = [...slabsOf({ before: BEFORE, after: AFTER }, most)];
    for (const [index, tensor] of BEFORE.entries()) {
      const parts = slabs.filter(({ name }) => name === tensor.name);
      let [from, to] = [tensor.offset, AFTER[index]?.offset ?? 0];
      for (const part of parts) {
        expect([part.from.offset, part.to.offset]).toEqual([from, to]);
        expect(part.rows === 1 || slabBytes(part) <= most).toBe(true);
        from += part.from.byteLength;
        to += part.to.byteLength;
      }
      expect(from).toBe(tensor.offset + tensor.byteLength);
      expect(to).toBe((AFTER[index]?.offset ?? 0) + (AFTER[index]?.byteLength ?? 0));
    }
    expect(slabs).toHaveLength({ 1e6: 2, 42_000: 11, 1000: 501, 1: 1001 }[most] ?? 0);
  });

  it("hold nothing of a type that the language model never has", () => {
    const odd = BEFORE.map((tensor) => ({ ...tensor, type: "IQ1_S" }));
    expect(() => [...slabsOf({ before: odd, after: AFTER }, 1000)]).toThrow(
      "matrix cannot be quantised: IQ1_S",
    );
  });
});
