import { FlashSlothError } from "../../core/errors.ts";
import { sameShape, showShape } from "../../core/model/shape.ts";
import { findTensor } from "../../language/stored-tensor.ts";
import { TOKEN_EMBEDDINGS } from "./tensors.ts";

export interface EmbeddingTableSize {
  readonly vocabSize: number;
  readonly hiddenSize: number;
}

/**
 * First byte of the token embedding table in a language model's file, whoever wrote it.
 * @throws `model-invalid` unless the file is whole and the table is there in float16 with the expected shape; `native`
 */
export async function findEmbeddings(path: string, size: EmbeddingTableSize): Promise<number> {
  const table = await findTensor({ path, name: TOKEN_EMBEDDINGS });
  const expected = [size.vocabSize, size.hiddenSize];
  if (table?.type === "F16" && sameShape(table.shape, expected)) return table.offset;
  const found = table === undefined ? "not there" : `${table.type} ${showShape(table.shape)}`;
  throw new FlashSlothError(
    "model-invalid",
    `${TOKEN_EMBEDDINGS} must be F16 ${showShape(expected)}, and is ${found}`,
  );
}
