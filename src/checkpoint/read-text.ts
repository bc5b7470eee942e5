import { asFlashSlothError, FlashSlothError, systemCode } from "../core/errors.ts";
import type { FolderFiles } from "../core/files/folder-files.ts";

const HINT = "a checkpoint's folder holds config.json, its safetensors files and its tokenizer's files";

/** A refusal of a checkpoint's file in one line. */
export function invalidFile(file: string, reason: string, cause?: unknown): FlashSlothError {
  return new FlashSlothError("checkpoint-invalid", `${file}: ${reason}`, { cause });
}

/**
 * A UTF-8 text file of a checkpoint; undefined when there is none.
 * @param limit the most bytes that are read
 * @throws `checkpoint-invalid` when it is no regular file, too long, unreadable or not UTF-8
 */
export async function readTextIfThere(
  files: FolderFiles,
  file: string,
  limit: number,
): Promise<string | undefined> {
  const source = await files.open(file);
  if (source === undefined) return undefined;
  const path = files.pathOf(file);
  try {
    if (source.size > limit) throw invalidFile(path, `${source.size} bytes, more than the ${limit} allowed`);
    return new TextDecoder("utf-8", { fatal: true }).decode(await source.read(0, source.size));
  } catch (error) {
    if (systemCode(error) === "ERR_ENCODING_INVALID_ENCODED_DATA")
      throw invalidFile(path, "not UTF-8", error);
    throw asFlashSlothError(error, "checkpoint-invalid", `${path} cannot be read`);
  } finally {
    await source.close();
  }
}

/** As {@link readTextIfThere}, where the file must be. */
export async function readText(files: FolderFiles, file: string, limit: number): Promise<string> {
  const text = await readTextIfThere(files, file, limit);
  if (text === undefined) {
    throw new FlashSlothError("checkpoint-invalid", `${files.pathOf(file)} is missing`, { hint: HINT });
  }
  return text;
}

/** @throws `checkpoint-invalid` when `text` is not JSON */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidFile(file, "not JSON", error);
  }
}
