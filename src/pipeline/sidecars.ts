import { randomBytes } from "node:crypto";
import { lstat } from "node:fs/promises";
import { basename, dirname, join, parse, resolve } from "node:path";
import { onDisk } from "../core/files/disk.ts";
import { FlashSlothError } from "../core/errors.ts";
import { replaceFile } from "../core/files/replace-file.ts";
import type { Job } from "./job.ts";
import type { Outcome } from "./outcome.ts";

export interface SidecarsOptions {
  /** `.txt` */
  readonly extension: string;
  /** Write over files that are there. @default false: they are kept, and count as answers */
  readonly force?: boolean | undefined;
}

/** Answers in files beside their pictures: `photo.txt` beside `photo.jpg`. */
export class Sidecars {
  readonly #extension: string;
  readonly #force: boolean;
  /** whose answer each file is, by its path */
  readonly #owners = new Map<string, string>();

  constructor({ extension, force = false }: SidecarsOptions) {
    this.#extension = extension;
    this.#force = force;
  }

  /**
   * Whether a job's answer is there already.
   * @throws `usage` where it has no place: the picture is no file, or another one's answer has the same name
   */
  async has(job: Job): Promise<boolean> {
    if (!("input" in job)) return false;
    const path = this.#pathOf(job);
    const owner = this.#owners.get(path) ?? job.label;
    this.#owners.set(path, owner);
    if (resolve(owner) !== resolve(job.label)) {
      const message = `the answers about ${owner} and ${job.label} would both be in ${path}`;
      throw new FlashSlothError("usage", message, { hint: "give the pictures different names, or use -o" });
    }
    return !this.#force && (await isThere(path));
  }

  /** Writes an answer: beside, then in its place. What is there is kept, unless told otherwise. @throws `disk` */
  async write({ job, record }: Outcome): Promise<void> {
    if ("error" in record || !("input" in job)) return;
    const path = this.#pathOf(job);
    if (!this.#force && (await isThere(path))) return;
    const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
    await onDisk(path, replaceFile(path, beside, `${record.answer}\n`));
  }

  #pathOf(job: Job): string {
    const input = "input" in job ? job.input : undefined;
    if (typeof input !== "string") {
      throw new FlashSlothError("usage", `${job.label} is no file, so there is no place beside it`, {
        hint: "write the answers to a file with -o",
      });
    }
    const { dir, name } = parse(input);
    const path = join(dir, `${name}${this.#extension}`);
    if (resolve(path) !== resolve(input)) return path;
    throw new FlashSlothError("usage", `the answer would overwrite the picture ${job.label}`);
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
