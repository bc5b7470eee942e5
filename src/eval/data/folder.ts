import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FlashSlothError, messageOf, systemCode } from "../../core/errors.ts";

/** A file or folder that a task reads. */
export interface Need {
  /** Relative to the folder of `--data`; one `*` in a name stands for anything. */
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
      const found = await matching(this.path, each.split("/")).catch((error: unknown) => {
        const code = systemCode(error);
        if (code === "ENOENT" || code === "ENOTDIR") return [];
        throw this.error(`${place} cannot be read: ${messageOf(error)}`, error);
      });
      if (found.length > 0) return found;
    }
    return [];
  }
}

/** What is in a folder at a path whose names may have a `*`, sorted. @throws where nothing can be there */
async function matching(folder: string, [name = "", ...rest]: readonly string[]): Promise<string[]> {
  if (!name.includes("*")) return within(join(folder, name), rest);
  const [before = "", after = ""] = name.split("*");
  const names = (await readdir(folder))
    .filter((each) => each.length >= before.length + after.length)
    .filter((each) => each.startsWith(before) && each.endsWith(after))
    .sort()
    .map((each) => join(folder, each));
  if (rest.length === 0) return names;
  const found: string[] = [];
  for (const each of names) {
    const isFolder = (await stat(each).catch(() => undefined))?.isDirectory() === true;
    if (isFolder) found.push(...(await matching(each, rest)));
  }
  return found;
}

async function within(place: string, rest: readonly string[]): Promise<string[]> {
  if (rest.length > 0) return matching(place, rest);
  await stat(place);
  return [place];
}
