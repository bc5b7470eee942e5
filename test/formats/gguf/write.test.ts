import { describe, expect, it } from "vitest";
import { alignUp, placeTensors, tensorByteLength } from "../../../src/formats/gguf/layout.ts";
import { writeGguf } from "../../../src/formats/gguf/write.ts";
import { readGgufBytes } from "./ggml.ts";
import { counting, encode, EVERY_TYPE, MemorySink, pieces, someTensors } from "./samples.ts";

describe("the arithmetic of the layout", () => {
  it.each([
    [0, 0],
    [1, 32],
    [31, 32],
    [32, 32],
    [33, 64],
    [6_500_000_001, 6_500_000_032],
  ])("%i is aligned to %i", (position, aligned) => {
    expect(alignUp(position, 32)).toBe(aligned);
  });

  it("starts each tensor at the next multiple of the alignment", () => {
    expect(placeTensors([30, 32, 33, 1], 32)).toEqual({ offsets: [0, 32, 64, 128], end: 160 });
    expect(placeTensors([], 32)).toEqual({ offsets: [], end: 0 });
  });

  it("counts bytes by blocks", () => {
    expect(tensorByteLength("F16", [51_200, 2560])).toBe(262_144_000);
    expect(tensorByteLength("Q4_K", [4, 512])).toBe(8 * 144);
    expect(tensorByteLength("Q8_0", [3, 32])).toBe(3 * 34);
    expect(tensorByteLength("Q4_K", [256, 128])).toBeUndefined();
  });
});

describe("writeGguf", () => {
  it("is read by ggml: every value type, every tensor", async () => {
    const bytes = await encode(EVERY_TYPE, someTensors());
    const layout = await readGgufBytes(bytes);
    expect([...layout.metadata]).toEqual([...EVERY_TYPE]);
    expect(layout.tensors.map(({ name, type, shape }) => ({ name, type, shape }))).toEqual([
      { name: "matrix", type: "F16", shape: [3, 5] },
      { name: "vector", type: "F32", shape: [8] },
      { name: "blocks", type: "Q4_K", shape: [2, 256] },
    ]);
    for (const { offset } of layout.tensors) expect(offset % 32).toBe(0);
    const [matrix, vector] = layout.tensors;
    expect(bytes.slice(matrix?.offset, (matrix?.offset ?? 0) + 30)).toEqual(
      new Uint8Array([...counting(10), ...counting(20)]),
    );
    expect(bytes.slice(vector?.offset, (vector?.offset ?? 0) + 32)).toEqual(counting(32));
    expect(bytes.byteLength % 32).toBe(0);
  });

  it("returns the offsets that a reader finds", async () => {
    const sink = new MemorySink();
    const infos = await writeGguf({ sink, metadata: EVERY_TYPE, tensors: someTensors() });
    expect(infos).toEqual((await readGgufBytes(sink.bytes())).tensors);
  });

  it("asks for a tensor's values only after those before it are written", async () => {
    const sink = new MemorySink();
    const positions: number[] = [];
    const tensors = someTensors().map((tensor) => ({
      ...tensor,
      chunks: () => {
        positions.push(sink.position);
        return tensor.chunks();
      },
    }));
    const infos = await writeGguf({ sink, metadata: new Map(), tensors });
    expect(positions).toEqual(infos.map(({ offset }) => offset));
  });

  it.each([
    ["too few values", counting(31), /31 bytes of values instead of 32/],
    ["too many values", counting(33), /more than its 32 bytes/],
  ])("refuses %s", async (_, values, message) => {
    const tensor = { name: "vector", type: "F32", shape: [8], chunks: () => pieces(values) } as const;
    await expect(encode(new Map(), [tensor])).rejects.toThrow(message);
  });

  it.each([
    ["a name of 64 bytes", { name: "n".repeat(64), shape: [8] }, /no name/],
    ["no name", { name: "", shape: [8] }, /no name/],
    ["five dimensions", { name: "x", shape: [1, 1, 1, 1, 8] }, /no F32 tensor of shape/],
    ["no dimension", { name: "x", shape: [] }, /no F32 tensor of shape/],
  ])("refuses %s", async (_, { name, shape }, message) => {
    const tensor = { name, type: "F32", shape, chunks: () => pieces(counting(32)) } as const;
    await expect(encode(new Map(), [tensor])).rejects.toThrow(message);
  });

  it("refuses two tensors of one name", async () => {
    const [tensor] = someTensors();
    if (tensor === undefined) throw new Error("no sample");
    await expect(encode(new Map(), [tensor, tensor])).rejects.toThrow(/two tensors of one name/);
  });
});
