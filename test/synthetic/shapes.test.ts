import { describe, expect, it } from "vitest";
import { elementCount } from "../../src/core/model/shape.ts";
import { parityTensors } from "./parity.ts";
import { safetensorsHeader, splitIntoShards } from "./safetensors.ts";
import { checkpointShapes, PUBLISHED_SIZES } from "./shapes.ts";

describe("synthetic checkpoint shapes", () => {
  it("give the goldens' tensors at the goldens' sizes", async () => {
    const { tensors } = await parityTensors("base");
    const sizes = {
      ...PUBLISHED_SIZES,
      hiddenSize: 128,
      intermediateSize: 512,
      layers: 9,
      vision: { ...PUBLISHED_SIZES.vision, intermediateSize: 512, layers: 2 },
    };
    expect(Object.fromEntries(checkpointShapes(sizes, false))).toEqual(Object.fromEntries(tensors));
  });

  it("are 3.2 billion values in two shards at the published sizes", () => {
    const tensors = checkpointShapes(PUBLISHED_SIZES, true);
    let count = 0;
    for (const shape of tensors.values()) count += elementCount(shape);
    expect(count / 1e9).toBeCloseTo(3.25, 1);

    const shards = splitIntoShards(tensors, 5e9);
    expect(shards).toHaveLength(2);
    expect(shards.flatMap((shard) => [...shard.keys()])).toEqual([...tensors.keys()]);
  });

  it("lie in the file in order, after a header padded to eight bytes", () => {
    const header = safetensorsHeader(
      new Map([
        ["a", [2, 3]],
        ["b", []],
      ]),
    );
    expect(header.byteLength % 8).toBe(0);
    const json: unknown = JSON.parse(new TextDecoder().decode(header.subarray(8)));
    expect(json).toEqual({
      __metadata__: { format: "pt" },
      a: { dtype: "F16", shape: [2, 3], data_offsets: [0, 12] },
      b: { dtype: "F16", shape: [], data_offsets: [12, 14] },
    });
  });
});
