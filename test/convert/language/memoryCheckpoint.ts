import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Checkpoint, CheckpointConfig, TensorInfo, Tokenizer } from "../../../src/checkpoint/types.ts";
import { BYTES_PER_ELEMENT, toFloat16, toFloat32, type Dtype } from "../../../src/core/model/dtype.ts";
import { languageTensors } from "../../../src/convert/language/tensors.ts";
import { elementCount, type Shape } from "../../../src/core/model/shape.ts";
import { PARITY_FIXTURES } from "../../synthetic/parity.ts";
import { BYTE_ALPHABET } from "./referenceBpe.ts";

function tokenizerFile(name: string): Promise<string> {
  return readFile(join(PARITY_FIXTURES, "tokenizer", name), "utf8");
}

/** GPT-2's vocabulary with Phi-2's and FlashSloth's added tokens, read without the code under test. */
export async function publishedTokenizer(): Promise<Tokenizer> {
  const vocab = JSON.parse(await tokenizerFile("vocab.json")) as Record<string, number>;
  const added = JSON.parse(await tokenizerFile("added_tokens.json")) as Record<string, number>;
  const tokens: string[] = [];
  for (const [text, id] of Object.entries(vocab)) tokens[id] = text;
  const merges = (await tokenizerFile("merges.txt"))
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#version"));
  return {
    tokens,
    merges,
    added: Object.entries(added).map(([text, id]) => ({ id, text, special: /^<.*>$/.test(text) })),
    eos: 50_296,
    endOfText: 50_256,
    learnable: 50_295,
    queryBase: 764,
  };
}

/** The bytes, three special tokens and two runs of spaces: 300 ids, so that files are small. */
export function smallTokenizer(): Tokenizer {
  return {
    tokens: [...BYTE_ALPHABET, "<|endoftext|>"],
    merges: [`${BYTE_ALPHABET[97]} ${BYTE_ALPHABET[98]}`],
    added: [
      { id: 257, text: "   ", special: false },
      { id: 258, text: "  ", special: false },
      { id: 260, text: "<learnable>", special: true },
      { id: 261, text: "</s>", special: true },
    ],
    eos: 261,
    endOfText: 256,
    learnable: 260,
    queryBase: 46,
  };
}

const TEXT: Omit<CheckpointConfig["text"], "vocabSize"> = {
  hiddenSize: 64,
  intermediateSize: 96,
  layers: 2,
  heads: 2,
  contextLength: 512,
  ropeTheta: 10_000,
  rotaryDims: 16,
  normEps: 1e-5,
};

export interface MemoryCheckpointOptions {
  readonly tokenizer: Tokenizer;
  /** @default "F16" */
  readonly dtype?: Dtype;
  /** @default a language model of two layers, 64 wide */
  readonly text?: Partial<CheckpointConfig["text"]>;
  /** the values of a tensor. @default small numbers that follow from the index */
  readonly values?: (name: string, count: number) => Float32Array;
}

/** The language model's part of a checkpoint, made when it is read. Counts what is read. */
export function memoryCheckpoint(
  options: MemoryCheckpointOptions,
): Checkpoint & { readonly reads: string[] } {
  const { tokenizer, dtype = "F16", values = smallNumbers } = options;
  const vocabSize = tokenizer.tokens.length > 1000 ? 51_200 : 300;
  const text = { ...TEXT, vocabSize, ...options.text };
  const tensors = new Map<string, TensorInfo>();
  const queries = 9;
  const add = (name: string, shape: Shape): void => {
    tensors.set(name, { name, dtype, shape, byteLength: elementCount(shape) * BYTES_PER_ELEMENT[dtype] });
  };
  for (const { from } of languageTensors(text.layers)) add(from, shapeOf(from, text));
  add("model.learnable_tokens.token", [queries, text.hiddenSize]);
  const reads: string[] = [];
  const make = (name: string): Uint8Array => {
    const info = tensors.get(name);
    if (info === undefined) throw new Error(`no tensor ${name}`);
    reads.push(name);
    return encodeElements(values(name, elementCount(info.shape)), dtype);
  };
  return {
    directory: "memory",
    config: {
      text,
      vision: {
        hiddenSize: 8,
        intermediateSize: 8,
        layers: 1,
        heads: 1,
        imageSize: 42,
        patchSize: 14,
        grid: 3,
        normEps: 1e-6,
      },
      sap: { window: 3 },
      embq: { layer: 1, heads: 2, queries, width: 8, valueWidth: 8 },
      hd: false,
    },
    tokenizer,
    tensors,
    reads,
    readBytes: async (name) => make(name),
    readFloat32: async (name) => toFloat32(make(name), dtype),
    unconsumed: () => [...tensors.keys()].filter((name) => !reads.includes(name)),
    close: async () => {},
  };
}

function shapeOf(name: string, text: CheckpointConfig["text"]): Shape {
  const { hiddenSize, intermediateSize, vocabSize } = text;
  if (name === "lm_head.bias") return [vocabSize];
  if (/embed_tokens|lm_head/.test(name)) return [vocabSize, hiddenSize];
  if (name.endsWith("fc1.weight")) return [intermediateSize, hiddenSize];
  if (name.endsWith("fc2.weight")) return [hiddenSize, intermediateSize];
  if (name.endsWith("fc1.bias")) return [intermediateSize];
  if (/norm|bias/.test(name)) return [hiddenSize];
  return [hiddenSize, hiddenSize];
}

function smallNumbers(name: string, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => (((index * 7 + name.length) % 127) - 63) / 512);
}

export function encodeElements(values: Float32Array, dtype: Dtype): Uint8Array {
  if (dtype === "F32") return new Uint8Array(values.buffer.slice(0));
  if (dtype === "F16") return new Uint8Array(toFloat16(values).buffer);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
}
