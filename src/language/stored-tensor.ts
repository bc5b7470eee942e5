import { FlashSlothError } from "../core/errors.ts";
import { runApart } from "./apart.ts";
import type { StoredTensor } from "./ffi/gguf.ts";

/** A header takes milliseconds; ggml compares every name with every other, so that a hostile one could take days. */
const LONGEST_MS = 60_000;

export interface FindTensorOptions {
  /** A GGUF file that anyone may have written. */
  readonly path: string;
  readonly name: string;
  /** @default one minute */
  readonly timeoutMs?: number | undefined;
}

/**
 * Where a tensor of a GGUF file stands, by ggml's own reader.
 * @returns undefined when the file has no such tensor
 * @throws `model-invalid` when ggml refuses the file, crashes or hangs on it, or it is cut short; `native`
 */
export async function findTensor(options: FindTensorOptions): Promise<StoredTensor | undefined> {
  const { path, name, timeoutMs = LONGEST_MS } = options;
  const late = AbortSignal.timeout(timeoutMs);
  const result = await runApart({ work: "findTensor", input: { path, name } }, { signal: late });
  if ("done" in result) return result.done ?? undefined;
  const why = late.aborted ? `that took longer than ${timeoutMs / 1000} s` : result.died;
  throw new FlashSlothError("model-invalid", `${path} cannot be read as GGUF: ${why}`);
}
