import type { ByteSink } from "../../core/files/bytes.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { showShape, type Shape } from "../../core/model/shape.ts";
import { HeaderEncoder } from "./encode.ts";
import { alignUp, placeTensors, tensorByteLength } from "./layout.ts";
import {
  DEFAULT_ALIGNMENT,
  MAGIC,
  MAX_DIMENSIONS,
  MAX_TENSOR_NAME_BYTES,
  TENSOR_TYPES,
  VERSION,
  type GgufMetadata,
  type GgufTensorInfo,
  type GgufTensorType,
} from "./types.ts";

/** A tensor to be written: its description now, its values when their turn comes. */
export interface GgufTensorSource {
  readonly name: string;
  readonly type: GgufTensorType;
  /** row-major, outermost first */
  readonly shape: Shape;
  /** The values' bytes in order, in pieces of any size. Called once, after all tensors before it are written. */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface WriteGgufOptions {
  /** Takes the file from its first byte. */
  readonly sink: ByteSink;
  /** Written in the map's order. */
  readonly metadata: GgufMetadata;
  /** Written in this order, one at a time: memory holds one piece of one tensor. */
  readonly tensors: readonly GgufTensorSource[];
}

/**
 * Writes a GGUF version 3 file: header, metadata, tensor descriptions, then the tensors' values, each at a multiple of 32.
 * Format: docs/gguf.md of the ggml project.
 * @returns where each tensor stands in the file
 * @throws `internal` for a description that GGUF cannot hold, or values of another length than described
 */
export async function writeGguf(options: WriteGgufOptions): Promise<GgufTensorInfo[]> {
  const { sink, tensors } = options;
  if (sink.position !== 0) throw defect(`${sink.name}: a GGUF file starts at byte 0, not ${sink.position}`);
  const { header, infos } = encodeHeader(options.metadata, tensors);
  await sink.write(header);
  for (const [index, tensor] of tensors.entries()) {
    const info = infos[index];
    if (info === undefined) break;
    await pad(sink, info.offset);
    for await (const chunk of tensor.chunks()) {
      if (sink.position + chunk.byteLength > info.offset + info.byteLength) {
        throw defect(`${tensor.name}: more than its ${info.byteLength} bytes of values`);
      }
      await sink.write(chunk);
    }
    const written = sink.position - info.offset;
    if (written !== info.byteLength) {
      throw defect(`${tensor.name}: ${written} bytes of values instead of ${info.byteLength}`);
    }
  }
  await pad(sink, alignUp(sink.position, DEFAULT_ALIGNMENT));
  return infos;
}

function encodeHeader(
  metadata: GgufMetadata,
  tensors: readonly GgufTensorSource[],
): { header: Uint8Array; infos: GgufTensorInfo[] } {
  const byteLengths = tensors.map(checkedByteLength);
  const { offsets } = placeTensors(byteLengths, DEFAULT_ALIGNMENT);
  const names = new Set(tensors.map(({ name }) => name));
  if (names.size !== tensors.length) throw defect("two tensors of one name");

  const encoder = new HeaderEncoder();
  encoder.uint32(MAGIC);
  encoder.uint32(VERSION);
  encoder.uint64(tensors.length);
  encoder.uint64(metadata.size);
  for (const [key, value] of metadata) {
    encoder.string(key);
    encoder.typedValue(value);
  }
  for (const [index, { name, type, shape }] of tensors.entries()) {
    encoder.string(name);
    encoder.uint32(shape.length);
    for (const size of shape.toReversed()) encoder.uint64(size);
    encoder.uint32(TENSOR_TYPES[type].id);
    encoder.uint64(offsets[index] ?? 0);
  }
  const dataStart = alignUp(encoder.length, DEFAULT_ALIGNMENT);
  encoder.padTo(dataStart);

  const infos = tensors.map(({ name, type, shape }, index) => ({
    name,
    type,
    shape,
    offset: dataStart + (offsets[index] ?? 0),
    byteLength: byteLengths[index] ?? 0,
  }));
  return { header: encoder.finish(), infos };
}

function checkedByteLength({ name, type, shape }: GgufTensorSource): number {
  if (Buffer.byteLength(name) > MAX_TENSOR_NAME_BYTES || name === "") {
    throw defect(`"${name}" is no name that ggml can hold`);
  }
  const byteLength = tensorByteLength(type, shape);
  if (shape.length < 1 || shape.length > MAX_DIMENSIONS || byteLength === undefined) {
    throw defect(`${name}: ggml has no ${type} tensor of shape ${showShape(shape)}`);
  }
  return byteLength;
}

async function pad(sink: ByteSink, position: number): Promise<void> {
  if (position > sink.position) await sink.write(new Uint8Array(position - sink.position));
}

function defect(message: string): FlashSlothError {
  return new FlashSlothError("internal", message);
}
