import { appendFile, stat } from "node:fs/promises";
import { onDisk, syncFile } from "../core/files/disk.ts";
import { FlashSlothError } from "../core/errors.ts";
import { usableCores } from "../core/machine/processors.ts";
import type { Quant } from "../core/model/variant.ts";
import { runApart, type ApartResult } from "./apart.ts";
import type { StoredType } from "./ffi/abi.ts";

export type { StoredType };

/** How often the growing file is measured. */
const POLL_MS = 100;
/** What is appended to a file that llama.cpp could not write, to hear the system's reason. */
const PROBE_BYTES = 2 ** 20;

/** Where `llama_model_quantize` tries fifteen scales a block and cannot be told to try one. */
const BY_ROWS: ReadonlySet<Quant> = new Set(["iq4_nl"]);
/** More would share the memory for slabs in parts of less than a MiB. */
const MOST_ROW_THREADS = 64;

export interface QuantizeOptions {
  /** A float16 GGUF file. */
  readonly from: string;
  /** The new file; on failure what there is of it stays. */
  readonly to: string;
  readonly quant: Quant;
  /** As what every tensor will be stored, by its name: what llama.cpp's quantiser would make of it. */
  readonly types: Readonly<Record<string, StoredType>>;
  /** Told the new file's bytes now and then. @default nobody */
  readonly onWritten?: ((bytes: number) => void) | undefined;
  /** Ends llama.cpp's work at once. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Quantises a language model with llama.cpp, in a process of its own: llama.cpp cannot be asked to stop.
 * @throws `disk`, `native`, `interrupted`; `checkpoint-invalid` for values that are not finite, where that is told apart
 */
export async function quantize(options: QuantizeOptions): Promise<void> {
  const { to, onWritten, signal } = options;
  throwIfStopped(signal);
  const poll = setInterval(() => {
    void stat(to).then(
      ({ size }) => onWritten?.(size),
      () => undefined,
    );
  }, POLL_MS);
  let failure: string | undefined;
  try {
    const result = await runQuantizer(options);
    if ("died" in result) failure = result.died;
    else if (!result.done) failure = "it failed";
  } finally {
    clearInterval(poll);
    throwIfStopped(signal);
  }
  if (failure !== undefined) await explainFailure(to, failure);
  await onDisk(to, syncFile(to));
}

async function runQuantizer(options: QuantizeOptions): Promise<ApartResult<"quantize">> {
  const { from, to, quant, types, signal } = options;
  const cores = await usableCores();
  if (!BY_ROWS.has(quant)) {
    const input = { from, to, quant, threads: cores };
    return await runApart({ work: "quantize", input }, { signal });
  }
  const threads = Math.min(cores, MOST_ROW_THREADS);
  const input = { from, to, quant, types, threads };
  return await runApart({ work: "quantizeRows", input }, { signal, poolThreads: threads });
}

/** @throws `disk` when no more can be written to the file, `native` otherwise */
async function explainFailure(path: string, what: string): Promise<never> {
  await onDisk(path, appendFile(path, new Uint8Array(PROBE_BYTES).fill(1), { flush: true }));
  throw new FlashSlothError("native", `llama.cpp could not quantise the language model: ${what}`, {
    hint: "run the command again with FLASHSLOTH_NATIVE_LOG=1 to see why",
  });
}

function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new FlashSlothError("interrupted", "the quantisation was stopped", { cause: signal.reason });
  }
}
