import { FileSource } from "../../core/bytes.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { sameShape, showShape } from "../../core/shape.ts";
import { readGgufLayout } from "../../formats/gguf/read.ts";
import type { GgufTensorInfo } from "../../formats/gguf/types.ts";
import { TOKEN_EMBEDDINGS } from "./tensors.ts";

export interface EmbeddingTableSize {
  readonly vocabSize: number;
  readonly hiddenSize: number;
}

/**
 * First byte of the token embedding table among a file's tensors.
 * @throws `model-invalid` unless the table is there in float16 with the expected shape
 */
export function embeddingsOffset(
  tensors: readonly GgufTensorInfo[],
  { vocabSize, hiddenSize }: EmbeddingTableSize,
): number {
  const table = tensors.find(({ name }) => name === TOKEN_EMBEDDINGS);
  const expected = [vocabSize, hiddenSize];
  if (table === undefined || table.type !== "F16" || !sameShape(table.shape, expected)) {
    const found = table === undefined ? "not there" : `${table.type} ${showShape(table.shape)}`;
    throw new FlashSlothError(
      "model-invalid",
      `${TOKEN_EMBEDDINGS} must be F16 ${showShape(expected)}, and is ${found}`,
    );
  }
  return table.offset;
}

/** {@link embeddingsOffset} of a GGUF file that someone else wrote, as llama.cpp's quantiser does. */
export async function findEmbeddings(path: string, size: EmbeddingTableSize): Promise<number> {
  const source = await FileSource.open(path);
  try {
    const { tensors } = await readGgufLayout(source);
    return embeddingsOffset(tensors, size);
  } finally {
    await source.close();
  }
}
