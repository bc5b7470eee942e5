import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FlashSlothError, messageOf, systemCode } from "../../core/errors.ts";

/** A file or folder that a task reads. */
export interface Need {
  /** Relative to the folder of `--data`; one `*` in the last name stands for anything. */
  readonly path: string;
  /** What is in it, in words. */
  readonly what: string;
  /** Other places where people have it. @default only `path` */
  readonly or?: readonly string[] | undefined;
}

export interface DataFolderOptions {
  /** As it was given. */
  readonly path: string;
  /** For messages. */
  readonly task: string;
}

/** The user's copy of a benchmark. */
export class DataFolder {
  readonly path: string;
  readonly #task: string;

  constructor(options: DataFolderOptions) {
    this.path = options.path;
    this.#task = options.task;
  }

  /** Whether it has what is needed. */
  async has(need: Need): Promise<boolean> {
    return (await this.find(need)).length > 0;
  }

  /** Where a file or folder lies. @throws `usage` where it does not */
  async locate(need: Need): Promise<string> {
    const [first] = await this.locateAll(need);
    return first ?? "";
  }

  /** Where the files lie that a name with a `*` stands for, sorted: at least one. @throws `usage` where there is none */
  async locateAll(need: Need): Promise<readonly string[]> {
    const found = await this.find(need);
    if (found.length > 0) return found;
    const place = join(this.path, need.path);
    throw this.error(`${place} is not there: eval ${this.#task} reads ${need.what} from it`);
  }

  /** An error about the data, with where to get better ones. */
  error(message: string, cause?: unknown): FlashSlothError {
    const hint = `flashsloth eval ${this.#task} --list says what the folder must hold, and where to get it`;
    return new FlashSlothError("usage", message, { hint, cause });
  }

  /** What is there of what is needed; of several places, the first that has it. */
  async find({ path, or = [] }: Need): Promise<readonly string[]> {
    for (const each of [path, ...or]) {
      const place = join(this.path, each);
      const found = await (each.includes("*") ? matching(place) : existing(place)).catch((error: unknown) => {
        const code = systemCode(error);
        if (code === "ENOENT" || code === "ENOTDIR") return [];
        throw this.error(`${place} cannot be read: ${messageOf(error)}`, error);
      });
      if (found.length > 0) return found;
    }
    return [];
  }
}

async function existing(path: string): Promise<string[]> {
  await stat(path);
  return [path];
}

/** Files of the last folder of a path whose names match its last part. */
async function matching(path: string): Promise<string[]> {
  const folder = dirname(path);
  const [before = "", after = ""] = basename(path).split("*");
  const names = await readdir(folder);
  return names
    .filter((name) => name.length >= before.length + after.length)
    .filter((name) => name.startsWith(before) && name.endsWith(after))
    .sort()
    .map((name) => join(folder, name));
}
