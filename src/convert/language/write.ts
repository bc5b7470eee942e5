import type { Checkpoint, TensorInfo } from "../../checkpoint/types.ts";
import { FileSink } from "../../core/files/bytes.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { tensorByteLength } from "../../formats/gguf/layout.ts";
import type { GgufTensorInfo } from "../../formats/gguf/types.ts";
import { writeGguf, type GgufTensorSource } from "../../formats/gguf/write.ts";
import { throwIfAborted, type OnWritten } from "../progress.ts";
import { convertElements } from "./elements.ts";
import { languageMetadata, type ModelDescription } from "./metadata.ts";
import { languageTensors } from "./tensors.ts";

export interface WriteLanguageOptions {
  readonly checkpoint: Checkpoint;
  /** The new file; an existing one is replaced. */
  readonly path: string;
  readonly model: ModelDescription;
  /** @default nobody */
  readonly onProgress?: OnWritten | undefined;
  /** Stops between two pieces of a tensor. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the language model as a GGUF file of llama.cpp's architecture `phi2`, one tensor in memory at a time.
 * @returns where each tensor stands
 * @throws `checkpoint-invalid`, `disk`, `interrupted`; the unfinished file is left to the caller
 */
export async function writeLanguage(options: WriteLanguageOptions): Promise<GgufTensorInfo[]> {
  const { checkpoint, path, signal } = options;
  const metadata = languageMetadata(checkpoint, options.model);
  let written = 0;
  let total = 0;

  const tensors = languageTensors(checkpoint.config.text.layers).map(
    ({ from, to, type }): GgufTensorSource => {
      const { dtype, shape } = tensorInfo(checkpoint, from);
      total += tensorByteLength(type, shape) ?? 0;
      return {
        name: to,
        type,
        shape,
        async *chunks() {
          const bytes = await checkpoint.readBytes(from);
          for (const piece of convertElements(from, bytes, dtype, type)) {
            throwIfAborted(signal);
            yield piece;
            written += piece.byteLength;
            options.onProgress?.({ written, total });
          }
        },
      };
    },
  );

  return await FileSink.fill(path, async (sink) => writeGguf({ sink, metadata, tensors }));
}

function tensorInfo(checkpoint: Checkpoint, name: string): TensorInfo {
  const info = checkpoint.tensors.get(name);
  if (info === undefined) {
    throw new FlashSlothError("checkpoint-invalid", `the checkpoint has no tensor ${name}`);
  }
  return info;
}
