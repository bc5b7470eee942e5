import { describe, expect, it } from "vitest";
import {
  compressFlops,
  decodeFlops,
  embqFlops,
  encoderFlops,
  knownSizes,
  prefillFlops,
  projectorFlops,
} from "../../src/bench/flops.ts";
import { PUBLISHED } from "./published-sizes.ts";

// by hand, for the published sizes
const CONV = 2 * 729 * 588 * 1152;
const BLOCK = 8 * 729 * 1152 ** 2 + 4 * 729 ** 2 * 1152 + 4 * 729 * 1152 * 4304;
const DECODER_LAYER = 8 * 2560 ** 2 + 4 * 2560 * 10_240;

describe("operations of the published model", () => {
  it("are 0.64 TFLOP in the encoder, five times that in HD", () => {
    expect(encoderFlops(PUBLISHED)).toBe(CONV + 26 * BLOCK);
    expect(encoderFlops(PUBLISHED) / 1e12).toBeCloseTo(0.64, 2);
    expect(encoderFlops({ ...PUBLISHED, crops: "tiles" })).toBe(5 * encoderFlops(PUBLISHED));
  });

  it("are 0.72 TFLOP in a prefill of 142 positions, 4.1 without compression", () => {
    const attention = 4 * 2560 * ((142 * 143) / 2);
    expect(prefillFlops(PUBLISHED, 142)).toBe(32 * (142 * DECODER_LAYER + attention) + 2 * 2560 * 51_200);
    expect(prefillFlops(PUBLISHED, 142) / 1e12).toBeCloseTo(0.72, 2);
    expect(prefillFlops(PUBLISHED, 142 - 81 + 729) / 1e12).toBeCloseTo(4.08, 2);
    const begun = prefillFlops(PUBLISHED, 32);
    expect(begun + prefillFlops(PUBLISHED, 142, 32)).toBe(prefillFlops(PUBLISHED, 142) + 2 * 2560 * 51_200);
  });

  it("are two for each weight of the language model in a generated token", () => {
    const weights = 32 * (4 * 2560 ** 2 + 2 * 2560 * 10_240) + 2560 * 51_200;
    expect(decodeFlops(PUBLISHED, 0)).toBe(2 * weights + 32 * 4 * 2560);
    expect(decodeFlops(PUBLISHED, 100) - decodeFlops(PUBLISHED, 99)).toBe(32 * 4 * 2560);
  });

  it("are half a percent of the encoder's in pooling and projector", () => {
    const pooling = 2 * 729 * 1152 ** 2 + 2 * 2 * 729 * 1152;
    const projector = 2 * 81 * (1152 * 2560 + 2560 ** 2);
    expect(compressFlops(PUBLISHED)).toBe(pooling + projector);
    expect(compressFlops(PUBLISHED) / encoderFlops(PUBLISHED)).toBeCloseTo(0.0054, 4);
    expect(projectorFlops(PUBLISHED, 729)).toBe(9 * projector);
  });

  it("are counted for both attentions of EmbQ", () => {
    const question = 2 * 9 * 576 ** 2 + 4 * 6 * 576 ** 2 + 4 * 9 * 6 * 576;
    const picture = 2 * 9 * 576 ** 2 + 2 * 729 * (576 ** 2 + 1152 ** 2) + 2 * 9 * 729 * (576 + 1152);
    const down = 2 * 15 * 2560 * 576 + 2 * 729 * 1152 * 576;
    expect(embqFlops(PUBLISHED, 6)).toBe(down + question + picture + 2 * 9 * 1152 * 2560);
  });
});

describe("knownSizes", () => {
  it("is undefined for a folder from before the sizes were recorded", () => {
    expect(knownSizes({ ...PUBLISHED, layerSizes: undefined })).toBeUndefined();
    expect(knownSizes(PUBLISHED)).toEqual(PUBLISHED);
  });
});
