import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { hashFile } from "../../core/files/hash-file.ts";
import { MAX_FILE_BYTES } from "../../image/source.ts";
import type { Job } from "../job.ts";
import type { FileMark } from "./stamp.ts";

/** A file as it is now; undefined where there is none that could be a picture. */
export async function fileMark(path: string): Promise<FileMark | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true || found.size > MAX_FILE_BYTES) return undefined;
  return { bytes: found.size, modified: found.mtimeMs };
}

export function sameMark(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return a?.bytes === b?.bytes && a?.modified === b?.modified;
}

/** The bytes of a job's picture, as far as they must be known: a file is looked at when it is asked for, and hashed once. */
export class Content {
  readonly #job: Job;
  #file: Promise<FileMark | undefined> | undefined;
  #digest: Promise<string> | undefined;

  constructor(job: Job) {
    this.#job = job;
  }

  /** The picture's path, if it has one. */
  get path(): string | undefined {
    return "input" in this.#job && typeof this.#job.input === "string" ? this.#job.input : undefined;
  }

  /** The file when it was first asked for. */
  async file(): Promise<FileMark | undefined> {
    this.#file ??= this.path === undefined ? Promise.resolve(undefined) : fileMark(this.path);
    return this.#file;
  }

  /** What stands for the bytes; for the name, where the bytes are not at hand. About 1 ms a MB. */
  async digest(): Promise<string> {
    this.#digest ??= this.#hash();
    return this.#digest;
  }

  /** Whether the file still is what was hashed. */
  async unchanged(): Promise<boolean> {
    return this.path === undefined || sameMark(await this.file(), await fileMark(this.path));
  }

  async #hash(): Promise<string> {
    const { path } = this;
    const hash = createHash("sha256");
    if (path !== undefined && (await this.file()) !== undefined) {
      try {
        await hashFile(path, hash);
        return hash.digest("hex");
      } catch {
        // gone, or not to be read: whoever decodes it will say so
      }
    } else if ("input" in this.#job && this.#job.input instanceof Uint8Array) {
      return hash.update(this.#job.input).digest("hex");
    }
    return `named ${this.#job.label}`;
  }
}

/** The contents of jobs, each made once. */
export class Contents {
  readonly #known = new WeakMap<Job, Content>();

  of(job: Job): Content {
    const known = this.#known.get(job) ?? new Content(job);
    this.#known.set(job, known);
    return known;
  }

  /** A job that asks less of the same picture. */
  share(from: Job, to: Job): void {
    this.#known.set(to, this.of(from));
  }
}
