import type { Checkpoint } from "../../checkpoint/types.ts";
import type { Quant } from "../../core/model/variant.ts";
import { alignUp, tensorByteLength } from "../../formats/gguf/layout.ts";
import { DEFAULT_ALIGNMENT } from "../../formats/gguf/types.ts";
import { typedTensors } from "./tensor-types.ts";
import { vocabulary } from "./vocabulary.ts";

/** Descriptions of the model and of one tensor, in bytes, at most. */
const DESCRIPTION_BYTES = 4096;
const TENSOR_DESCRIPTION_BYTES = 128;

/**
 * How many bytes the language file of a checkpoint will have: not fewer, and no more than some kilobytes beyond.
 * @throws `checkpoint-invalid` for a vocabulary that cannot be stored
 */
export function languageBytes(
  checkpoint: Pick<Checkpoint, "config" | "tensors" | "tokenizer">,
  quant: Quant,
): number {
  const { config, tokenizer } = checkpoint;
  let bytes = DESCRIPTION_BYTES;
  // each text with its length, and each token's type
  for (const text of vocabulary(tokenizer, config.text.vocabSize).texts)
    bytes += Buffer.byteLength(text) + 12;
  for (const merge of tokenizer.merges) bytes += Buffer.byteLength(merge) + 8;
  for (const { type, shape } of typedTensors(checkpoint, quant)) {
    const values = tensorByteLength(type, shape) ?? 0;
    bytes += TENSOR_DESCRIPTION_BYTES + alignUp(values, DEFAULT_ALIGNMENT);
  }
  return bytes;
}
