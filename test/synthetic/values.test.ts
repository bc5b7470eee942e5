import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { elementCount } from "../../src/core/model/shape.ts";
import { parityTensors } from "./parity.ts";
import { fnv1a, syntheticHalves } from "./values.ts";

const sha256 = (halves: Uint16Array): string =>
  createHash("sha256").update(new Uint8Array(halves.buffer)).digest("hex");

const fc2At = (index: number): number | undefined =>
  syntheticHalves("model.layers.0.mlp.fc2.weight", [128, 20_000], index, 1)[0];

// every expected value was computed with numpy, by the definition beside the goldens
describe("synthetic values", () => {
  it("seeds by FNV-1a of the name", () => {
    expect(fnv1a("model.embed_tokens.weight")).toBe(1_077_599_862);
    expect(fnv1a("lm_head.weight")).toBe(2_925_180_653);
  });

  it.each([
    ["lm_head.weight", [1000, 64], "6a3ff25d2748cafef66ccdcfd1755b4e3e7447eaf9002cded7fa9bc220b6b0c3"],
    [
      "model.layers.0.input_layernorm.weight",
      [128],
      "aef6045707c890fe4e0ccb5a0de1d716300c929588a906db27a022ddcc71bb00",
    ],
    ["model.pooling.mlp.3.bias", [1], "facb229e3114dfe7ba829a7b6c9bd06438be1c7c91ef3bab713b8e126408e05e"],
    [
      "model.embed_tokens.weight",
      [300, 128],
      "b87b9b47c41322328975ab2d2367a56a9d6eada0e01a527c6e9954104f52e340",
    ],
    [
      "model.lqformer.layers.0.ln_q.weight",
      [576],
      "f3e2fa15b5300a1c244bf2e030ffa05a4d1c06957e79ab8b1b60b2ff77f28647",
    ],
    [
      "model.vision_tower.vision_tower.vision_model.embeddings.patch_embedding.weight",
      [96, 3, 14, 14],
      "ae0e8b25fa8681a3bb62bfe01293561cdac6e13bb472f5db2b265c30b8693be6",
    ],
    [
      "model.learnable_tokens.token",
      [9, 128],
      "416a58ad4cd726aa127d7ddb692729fcbbb1339e806ff23a1dd12c959ca32648",
    ],
    [
      "model.layers.0.mlp.fc2.weight",
      [128, 20_000],
      "f1c6b7d73afb095deca35d1f7bf7b06d9826e562e2db08ffb216864cac03ab6f",
    ],
  ])("%s has numpy's bits", (name, shape, expected) => {
    expect(sha256(syntheticHalves(name, shape, 0, elementCount(shape)))).toBe(expected);
  });

  it("rounds what lies between half of the smallest subnormal and itself up to it", () => {
    expect([645_816, 1_150_781, 1_306_290].map(fc2At)).toEqual([0x8001, 0x0001, 0x8001]);
  });

  it("makes the end of a published tensor without its beginning", () => {
    const shape = [51_200, 2560];
    const count = 100_000;
    const tail = syntheticHalves("model.embed_tokens.weight", shape, elementCount(shape) - count, count);
    expect(sha256(tail)).toBe("e0bc7d969a0fea2c89dd7f434633185e5b404c4998d440fb38e56417e05a5c9e");
  });

  it("makes every tensor of the parity checkpoint", async () => {
    const { tensors } = await parityTensors("base");
    const hash = createHash("sha256");
    for (const [name, shape] of tensors) {
      hash.update(new Uint8Array(syntheticHalves(name, shape, 0, elementCount(shape)).buffer));
    }
    expect(hash.digest("hex")).toBe("3b98b19dbba23cad68c579042386081d42859ff0a17ea61c39e055ccc3ae1a86");
  });
});
