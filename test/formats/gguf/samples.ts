import type { ByteSink } from "../../../src/core/files/bytes.ts";
import type { GgufMetadata } from "../../../src/formats/gguf/types.ts";
import { writeGguf, type GgufTensorSource } from "../../../src/formats/gguf/write.ts";

/** A file in memory. */
export class MemorySink implements ByteSink {
  readonly name = "memory";
  readonly #pieces: Uint8Array[] = [];
  #position = 0;

  get position(): number {
    return this.#position;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes.slice());
    this.#position += bytes.byteLength;
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#pieces));
  }
}

export async function* pieces(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield chunk;
}

/** `count` bytes 1, 2, 3, … */
export function counting(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => index + 1);
}

export async function encode(
  metadata: GgufMetadata,
  tensors: readonly GgufTensorSource[],
): Promise<Uint8Array> {
  const sink = new MemorySink();
  await writeGguf({ sink, metadata, tensors });
  return sink.bytes();
}

/** One value of every type, arrays of them, and awkward numbers. */
export const EVERY_TYPE: GgufMetadata = new Map([
  ["general.architecture", { type: "string", value: "phi2" }],
  ["uint8", { type: "uint8", value: 255 }],
  ["int8", { type: "int8", value: -128 }],
  ["uint16", { type: "uint16", value: 65_535 }],
  ["int16", { type: "int16", value: -32_768 }],
  ["uint32", { type: "uint32", value: 4_294_967_295 }],
  ["int32", { type: "int32", value: -2_147_483_648 }],
  ["float32", { type: "float32", value: 0.5 }],
  ["float64", { type: "float64", value: 0.1 }],
  ["uint64", { type: "uint64", value: 2n ** 64n - 1n }],
  ["int64", { type: "int64", value: -(2n ** 63n) }],
  ["bool", { type: "bool", value: true }],
  ["text", { type: "string", value: "Ġé 🦥\n" }],
  ["empty", { type: "string", value: "" }],
  ["texts", { type: "array", of: "string", values: ["", "a", "ü"] }],
  ["numbers", { type: "array", of: "int32", values: [1, -1, 0] }],
  ["bigs", { type: "array", of: "uint64", values: [0n, 7n] }],
  ["bools", { type: "array", of: "bool", values: [true, false] }],
  ["none", { type: "array", of: "float32", values: [] }],
]);

/** Three tensors whose lengths leave different paddings. */
export function someTensors(): GgufTensorSource[] {
  return [
    { name: "matrix", type: "F16", shape: [3, 5], chunks: () => pieces(counting(10), counting(20)) },
    { name: "vector", type: "F32", shape: [8], chunks: () => pieces(counting(32)) },
    { name: "blocks", type: "Q4_K", shape: [2, 256], chunks: () => pieces(counting(288)) },
  ];
}
