import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Manifest } from "../core/manifest.ts";
import { SYSTEM_TEXT } from "./prompt.ts";

export interface PromptCacheOptions {
  /** The folder of such files; made when there is something to keep. */
  readonly directory: string;
  /** what `promptCachePrefix` made of the model */
  readonly prefix: string;
  /** llama.cpp's release and backend: neither need understand the other's state */
  readonly runtime: string;
}

/** sha256, in front of what it is of. */
const DIGEST_BYTES = 32;

/**
 * The KV cache of the prompt's beginning (32 positions, 10 MB at full size) in a file, so that a new process need not compute
 * what every prompt of a model begins with. A file that is missing, damaged or unwritable only costs that computation.
 */
export class PromptCache {
  readonly #path: string;
  #written: Promise<void> = Promise.resolve();

  constructor(options: PromptCacheOptions) {
    this.#path = join(options.directory, promptCacheName(options));
  }

  /** Resolves when what was handed to `write` is on the disk, or has failed to get there. */
  get written(): Promise<void> {
    return this.#written;
  }

  /** What was kept; undefined where nothing usable is. */
  async read(): Promise<Uint8Array | undefined> {
    const bytes = await readFile(this.#path).catch(() => undefined);
    if (bytes === undefined || bytes.length <= DIGEST_BYTES) return undefined;
    const state = bytes.subarray(DIGEST_BYTES);
    return digest(state).equals(bytes.subarray(0, DIGEST_BYTES)) ? state : undefined;
  }

  /** Begins to write and returns; a process that ends too early leaves a file that `read` refuses. */
  write(state: Uint8Array): void {
    const save = async (): Promise<void> => {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(this.#path, Buffer.concat([digest(state), state]));
    };
    // a full disk, for one
    this.#written = save().catch(async () => rm(this.#path, { force: true }).catch(() => {}));
  }
}

/** Begins with the model's prefix, so that a removed model's can be found. */
function promptCacheName({ prefix, runtime }: PromptCacheOptions): string {
  const rest = createHash("sha256")
    .update(JSON.stringify([runtime, SYSTEM_TEXT]))
    .digest("hex");
  return `${prefix}-${rest.slice(0, 16)}.kv`;
}

/**
 * What the files of a language model begin with, in all releases and on all devices.
 * @returns undefined where the manifest does not say which weights the model has: nothing may be kept for it then
 */
export function promptCachePrefix({ files, roles }: Pick<Manifest, "files" | "roles">): string | undefined {
  return files.find(({ name }) => name === roles.language)?.sha256.slice(0, 16);
}

function digest(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
