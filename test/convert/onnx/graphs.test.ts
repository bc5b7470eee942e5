import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  embqGraph,
  visionGraph,
  type VisionGraphOptions,
  writeEmbqGraph,
  writeVisionGraph,
} from "../../../src/convert/onnx/write.ts";
import { openSession } from "../../../src/onnxruntime/open.ts";
import { noise, runGraph, withDirectory } from "../../formats/onnx/run.ts";
import { relativeError } from "../../vision/error.ts";
import { Reference } from "./reference.ts";
import { TINY, TINY_CONFIG, tinyCheckpoint } from "./tiny.ts";

const { imageSize: side, hiddenSize: width } = TINY.vision;
const { hiddenSize: hidden } = TINY;

/** `count` crops of random pixels */
function crops(count: number): Uint8Array {
  return Uint8Array.from(noise(99, count * side * side * 3), (x) => Math.floor((x + 1) * 128));
}

async function runVision(pixels: Uint8Array, n: number | "any" = 1): Promise<Float32Array[]> {
  const shape = [pixels.length / (side * side * 3), side, side, 3];
  const graph = visionGraph({ checkpoint: tinyCheckpoint(), crops: n });
  return await runGraph(graph, { pixels: { type: "uint8", data: pixels, shape } });
}

describe("the vision graph", () => {
  let features: Float32Array;
  let tokens: Float32Array;
  beforeAll(async () => {
    [features = new Float32Array(), tokens = new Float32Array()] = await runVision(crops(1));
  });

  it("is SigLIP, pooling and projector by their definition", async () => {
    const reference = new Reference(tinyCheckpoint());
    const expected = await reference.siglip(crops(1));
    const expectedTokens = await reference.project(await reference.pool(expected));
    expect(relativeError(features, expected.flat())).toBeLessThan(1e-5);
    expect(relativeError(tokens, expectedTokens.flat())).toBeLessThan(1e-5);
  });

  it("computes each crop of a batch as if it were alone", async () => {
    const [both, bothTokens] = await runVision(crops(2), "any");
    expect(both).toHaveLength(2 * features.length);
    expect(relativeError(both?.subarray(0, features.length) ?? [], features)).toBeLessThan(1e-6);
    expect(relativeError(bothTokens?.subarray(0, tokens.length) ?? [], tokens)).toBeLessThan(1e-6);
  });

  it("never looks at the pixels right and below of the last whole patch", async () => {
    const pixels = crops(1);
    const seen = TINY_CONFIG.vision.grid * TINY.vision.patchSize;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        if (y >= seen || x >= seen) pixels.fill(0, (y * side + x) * 3, (y * side + x + 1) * 3);
      }
    }
    expect(pixels).not.toEqual(crops(1));
    expect((await runVision(pixels))[0]).toEqual(features);
  });

  it("has as good as the same to say with products in float16, and all else in float32", async () => {
    for (const weights of ["fp32", "fp16"] as const) {
      const checkpoint = tinyCheckpoint();
      const graph = visionGraph({ checkpoint, weights, arithmetic: "float16", crops: "any" });
      const pixels = { type: "uint8", data: crops(2), shape: [2, side, side, 3] } as const;
      const [half = [], halfTokens = []] = await runGraph(graph, { pixels });
      for (const [actual, exact] of [
        [half, features],
        [halfTokens, tokens],
      ] as const) {
        const error = relativeError(actual.slice(0, exact.length), exact);
        expect(error).toBeGreaterThan(1e-5);
        expect(error).toBeLessThan(2e-3);
      }
      const products = graph.nodes.filter(({ operator }) => operator === "MatMul");
      const casts = new Set(
        graph.nodes.flatMap(({ operator, outputs }) => (operator === "Cast" ? outputs : [])),
      );
      const inside = products.filter(({ name }) => name.startsWith("encoder/"));
      expect(inside.length).toBeGreaterThan(products.length / 2);
      for (const { name, inputs, outputs } of products) {
        const [product = ""] = outputs;
        const half16 = name.startsWith("encoder/");
        expect(casts.has(inputs[0] ?? ""), name).toBe(half16);
        const readers = graph.nodes.filter((node) => node.inputs.includes(product));
        expect(
          readers.every(({ operator }) => operator === "Cast"),
          name,
        ).toBe(half16);
      }
    }
  });

  it("lays its weights out alike for every arithmetic and number of crops", () => {
    for (const weights of ["fp32", "fp16"] as const) {
      const stored = (options: Pick<VisionGraphOptions, "arithmetic" | "crops">): unknown =>
        visionGraph({ checkpoint: tinyCheckpoint(), weights, ...options }).weights.map(
          ({ name, element, shape }) => ({ name, element, shape }),
        );
      expect(stored({ arithmetic: "float16", crops: "any" })).toEqual(stored({}));
    }
  });

  it("has no products in float16 of int8 matrices", () => {
    const checkpoint = tinyCheckpoint();
    expect(() => visionGraph({ checkpoint, weights: "int8", arithmetic: "float16" })).toThrow("int8");
  });

  it("has only standard operators", () => {
    for (const arithmetic of ["float32", "float16"] as const) {
      const { nodes } = visionGraph({ checkpoint: tinyCheckpoint(), arithmetic });
      expect(new Set(nodes.map((node) => node.domain))).toEqual(new Set([""]));
    }
  });
});

describe("the EmbQ graph", () => {
  it.each([
    [1, 16],
    [5, 16],
    [2, 80],
  ])("is EmbQ by its definition, for %i text rows and %i features", async (textRows, featureRows) => {
    const queries = rows(1, TINY.queries, hidden);
    const text = rows(2, textRows, hidden);
    const features = rows(3, featureRows, width);
    const [out] = await runGraph(embqGraph(tinyCheckpoint()), {
      queries: input(queries),
      text: input(text),
      features: input(features),
    });
    const expected = (await new Reference(tinyCheckpoint()).embq(queries, text, features)).flat();
    expect(relativeError(out ?? [], expected)).toBeLessThan(1e-5);
    expect(relativeError(queries.flat(), expected)).toBeGreaterThan(0.1);
  });
});

describe("writing the graphs", () => {
  it("reads each tensor of vision and EmbQ once and no other", async () => {
    await withDirectory(async (directory) => {
      const checkpoint = tinyCheckpoint();
      const vision = await writeVisionGraph({ checkpoint, directory });
      const embq = await writeEmbqGraph({ checkpoint, directory });
      expect([vision, embq]).toEqual([
        { graph: "vision.onnx", data: "vision.onnx.data" },
        { graph: "embq.onnx", data: "embq.onnx.data" },
      ]);
      expect(new Set(checkpoint.read).size).toBe(checkpoint.read.length);
      const language = checkpoint.unconsumed();
      const languageOnly = /^(?:lm_head|model\.(?:embed_tokens|layers|final_layernorm|learnable_tokens))\b/;
      expect(language.filter((name) => !languageOnly.test(name))).toEqual([]);
      expect(checkpoint.read.filter((name) => languageOnly.test(name))).toEqual([]);

      const session = await openSession({ path: join(directory, "vision.onnx") });
      await session.dispose();
    });
  });

  it("names a tensor that the checkpoint lacks", () => {
    const checkpoint = tinyCheckpoint();
    const tensors = new Map(checkpoint.tensors);
    tensors.delete("model.pooling.mlp.3.bias");
    expect(() => visionGraph({ checkpoint: { ...checkpoint, tensors } })).toThrow(
      "the checkpoint has no tensor model.pooling.mlp.3.bias",
    );
  });
});

/** float32 values as rows, so that graph and reference start from the same numbers */
function rows(seed: number, count: number, columns: number): number[][] {
  const values = new Float32Array(noise(seed, count * columns));
  return Array.from({ length: count }, (_, row) => [...values.subarray(row * columns, (row + 1) * columns)]);
}

function input(values: number[][]): { type: "float32"; data: Float32Array; shape: number[] } {
  return {
    type: "float32",
    data: new Float32Array(values.flat()),
    shape: [values.length, values[0]?.length ?? 0],
  };
}
