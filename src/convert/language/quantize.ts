import { randomBytes } from "node:crypto";
import { rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { onDisk } from "../../core/files/disk.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Quant } from "../../core/model/variant.ts";
import { quantize, type StoredType } from "../../language/quantize.ts";
import type { OnWritten } from "../progress.ts";
import { findEmbeddings, type EmbeddingTableSize } from "./embeddings.ts";

export interface QuantizeLanguageOptions {
  /** The float16 file. */
  readonly from: string;
  /** The quantised file; it appears when it is complete. */
  readonly to: string;
  readonly quant: Quant;
  /** as what every tensor will be stored, by its name */
  readonly types: Readonly<Record<string, StoredType>>;
  /** about how many bytes it will have */
  readonly expected: number;
  readonly embeddings: EmbeddingTableSize;
  /** @default nobody */
  readonly onProgress?: OnWritten | undefined;
  /** @default never stops */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Has llama.cpp quantise the language model, and checks that what it wrote is whole.
 * @throws `disk`, `native`, `interrupted`, `checkpoint-invalid`; an unfinished file is left to the caller
 */
export async function quantizeLanguage(options: QuantizeLanguageOptions): Promise<void> {
  const { from, to, quant, types, expected, embeddings, onProgress, signal } = options;
  // never the same name twice: the process of a run that was killed may live on for a moment, and must not write into this one's file
  const unfinished = join(dirname(to), `${basename(to)}.${randomBytes(6).toString("hex")}`);
  let total = expected;
  let written = 0;
  await quantize({
    from,
    to: unfinished,
    quant,
    types,
    onWritten: (bytes) => {
      total = Math.max(total, bytes);
      written = bytes;
      onProgress?.({ written, total });
    },
    signal,
  });
  try {
    await findEmbeddings(unfinished, embeddings);
  } catch (cause) {
    throw new FlashSlothError("native", "llama.cpp wrote an incomplete language model", { cause });
  }
  await onDisk(to, rename(unfinished, to));
  onProgress?.({ written: total, total });
}
