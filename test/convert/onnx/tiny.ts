import type { Checkpoint, CheckpointConfig, TensorInfo } from "../../../src/checkpoint/types.ts";
import { elementCount } from "../../../src/core/model/shape.ts";
import { checkpointShapes, type SyntheticSizes } from "../../synthetic/shapes.ts";
import { noise } from "../../formats/onnx/run.ts";

/** Small enough for loops in JavaScript, and with no two sizes equal that a graph could mix up. */
export const TINY: SyntheticSizes = {
  hiddenSize: 20,
  intermediateSize: 24,
  layers: 1,
  heads: 2,
  vocabSize: 8,
  // 14 pixels = 4 patches of 3 and a rest of 2
  vision: { hiddenSize: 12, intermediateSize: 10, layers: 2, heads: 3, imageSize: 14, patchSize: 3 },
  embqWidth: 8,
  queries: 3,
};

export const TINY_CONFIG: CheckpointConfig = {
  text: {
    hiddenSize: TINY.hiddenSize,
    intermediateSize: TINY.intermediateSize,
    layers: TINY.layers,
    heads: TINY.heads,
    vocabSize: TINY.vocabSize,
    contextLength: 64,
    ropeTheta: 10_000,
    rotaryDims: 4,
    normEps: 1e-5,
  },
  vision: { ...TINY.vision, grid: 4, normEps: 1e-6 },
  sap: { window: 2 },
  embq: { layer: 1, heads: TINY.heads, queries: TINY.queries, width: TINY.embqWidth, valueWidth: 12 },
  hd: false,
};

/** A checkpoint in memory with noise for weights; `read` lists every tensor that was asked for, in order. */
export function tinyCheckpoint(): Checkpoint & { readonly read: readonly string[] } {
  const shapes = checkpointShapes(TINY, false);
  const values = new Map<string, Float32Array>();
  const tensors = new Map<string, TensorInfo>();
  let seed = 0;
  for (const [name, shape] of shapes) {
    const count = elementCount(shape);
    values.set(
      name,
      Float32Array.from(noise(++seed, count), (x) => 0.7 * x),
    );
    tensors.set(name, { name, dtype: "F32", shape, byteLength: 4 * count });
  }
  const read: string[] = [];
  const readFloat32 = async (name: string): Promise<Float32Array> => {
    const found = values.get(name);
    if (found === undefined) throw new Error(`no tensor ${name}`);
    read.push(name);
    return found.slice();
  };
  return {
    directory: "memory",
    config: TINY_CONFIG,
    tokenizer: {
      tokens: [],
      merges: [],
      added: [],
      eos: 0,
      endOfText: 0,
      learnable: 0,
      queryBase: 0,
    },
    tensors,
    read,
    readFloat32,
    readBytes: async (name) => new Uint8Array((await readFloat32(name)).buffer),
    unconsumed: () => [...tensors.keys()].filter((name) => !read.includes(name)),
    close: async () => {},
  };
}
