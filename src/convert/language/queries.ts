import { QUERIES, TOKEN_EMBEDDING } from "../../checkpoint/names.ts";
import type { Checkpoint } from "../../checkpoint/types.ts";
import { FileSink } from "../../core/files/bytes.ts";
import { toFloat32 } from "../../core/model/dtype.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { OnWritten } from "../progress.ts";

/**
 * EmbQ's query vectors as they stand in the prompt: `learnable_tokens.token` + the embedding of ` .`
 * (`prepare_inputs_labels_for_multimodal` in the published code).
 * @returns [queries, hidden], row-major
 */
export async function queryVectors(checkpoint: Checkpoint): Promise<Float32Array> {
  const { hiddenSize, vocabSize } = checkpoint.config.text;
  const base = await embeddingRow(checkpoint, checkpoint.tokenizer.queryBase, vocabSize);
  const learned = await checkpoint.readFloat32(QUERIES); // [queries, hidden]
  return learned.map((value, index) => value + (base[index % hiddenSize] ?? 0));
}

/** One row of the token embedding table, [hidden]. */
async function embeddingRow(checkpoint: Checkpoint, row: number, rows: number): Promise<Float32Array> {
  const info = checkpoint.tensors.get(TOKEN_EMBEDDING);
  if (info === undefined || row >= rows) {
    throw new FlashSlothError("checkpoint-invalid", `${TOKEN_EMBEDDING} has no row ${row}`);
  }
  const bytes = await checkpoint.readBytes(TOKEN_EMBEDDING);
  const rowBytes = bytes.byteLength / rows;
  return toFloat32(bytes.slice(row * rowBytes, (row + 1) * rowBytes), info.dtype);
}

/** Writes {@link queryVectors} as raw little-endian float32. @throws `disk` */
export async function writeQueries(options: {
  readonly checkpoint: Checkpoint;
  readonly path: string;
  /** @default nobody */
  readonly onProgress?: OnWritten | undefined;
}): Promise<void> {
  const vectors = await queryVectors(options.checkpoint);
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  await FileSink.fill(options.path, async (sink) => sink.write(bytes));
  options.onProgress?.({ written: vectors.byteLength, total: vectors.byteLength });
}
