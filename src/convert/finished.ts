import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { onDisk, syncFolder } from "../core/files/disk.ts";
import type { ManifestFile } from "../core/model/manifest.ts";

/** What stands beside the files of an unfinished conversion, and tells that folder from anyone else's. */
const RECORD_FILE = "conversion.json";
const NEW_RECORD = `${RECORD_FILE}.new`;

/** Names a conversion: the same for two runs exactly when one may go on with the files of the other. */
export function conversionKey(inputs: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
}

interface Recorded {
  /** what `conversionKey` made of the checkpoint and the options */
  readonly key: string;
  readonly files: readonly ManifestFile[];
  /** tensors that none of these files needed; null before the first file */
  readonly unread: readonly string[] | null;
}

const recordSchema: v.GenericSchema<unknown, Recorded> = v.object({
  key: v.string(),
  files: v.array(v.object({ name: v.string(), size: v.number(), sha256: v.string() })),
  unread: v.nullable(v.array(v.string())),
});

/**
 * The finished files of a conversion under way. A file counts once it is whole on the disk and recorded with its size and
 * hash; the record is replaced in one step, so that a process killed at any moment leaves a true one.
 */
export class FinishedFiles {
  readonly directory: string;
  #recorded: Recorded;

  private constructor(directory: string, recorded: Recorded) {
    this.directory = directory;
    this.#recorded = recorded;
  }

  /** Whether a folder may be taken for what this class wrote: it has a record, or died before its first. */
  static async owns(directory: string): Promise<boolean> {
    const entries = await readdir(directory);
    return entries.includes(RECORD_FILE) || entries.every((name) => name === NEW_RECORD);
  }

  /**
   * What an earlier run of the same conversion finished; everything else in the folder is removed.
   * @throws `disk`
   */
  static async open(directory: string, key: string): Promise<FinishedFiles> {
    const earlier = await readRecord(directory);
    const recorded = earlier?.key === key ? earlier : { key, files: [], unread: null };
    const there = await Promise.all(
      recorded.files.map(async ({ name, size }) => {
        const found = await stat(join(directory, name)).catch(() => undefined);
        return found?.isFile() === true && found.size === size;
      }),
    );
    const files = recorded.files.filter((_, index) => there[index]);
    const finished = new FinishedFiles(directory, { ...recorded, files });
    await finished.#save();
    await finished.sweep();
    return finished;
  }

  get files(): readonly ManifestFile[] {
    return this.#recorded.files;
  }

  get(name: string): ManifestFile | undefined {
    return this.files.find((file) => file.name === name);
  }

  /** Tensors that no finished file has needed, of those that this run has not read either. */
  unread(now: readonly string[]): string[] {
    const { unread } = this.#recorded;
    return unread === null ? [...now] : now.filter((name) => unread.includes(name));
  }

  /**
   * Records files that are whole on the disk.
   * @param unread tensors that this run has not read so far
   */
  async add(files: readonly ManifestFile[], unread: readonly string[]): Promise<void> {
    this.#recorded = {
      ...this.#recorded,
      files: [...this.files.filter(({ name }) => !files.some((file) => file.name === name)), ...files],
      unread: this.unread(unread),
    };
    await this.#save();
  }

  /** Forgets a file that the finished model does not have, then removes it. */
  async discard(name: string): Promise<void> {
    this.#recorded = { ...this.#recorded, files: this.files.filter((file) => file.name !== name) };
    await this.#save();
    await rm(join(this.directory, name), { force: true });
  }

  /** Removes everything that is not recorded, other than `keep`. */
  async sweep(keep: readonly string[] = []): Promise<void> {
    for (const name of await readdir(this.directory)) {
      if (name === RECORD_FILE || keep.includes(name) || this.get(name) !== undefined) continue;
      await rm(join(this.directory, name), { recursive: true, force: true });
    }
  }

  /** Removes the record: what is in the folder is the model now. */
  async close(): Promise<void> {
    await rm(join(this.directory, RECORD_FILE), { force: true });
  }

  async #save(): Promise<void> {
    const path = join(this.directory, NEW_RECORD);
    const save = async (): Promise<void> => {
      await writeFile(path, `${JSON.stringify(this.#recorded)}\n`, { flush: true });
      await rename(path, join(this.directory, RECORD_FILE));
      await syncFolder(this.directory);
    };
    await onDisk(path, save());
  }
}

/** Names of the files that an unfinished conversion in `directory` has finished, whatever it was of. */
export async function finishedNames(directory: string): Promise<string[]> {
  return ((await readRecord(directory))?.files ?? []).map(({ name }) => name);
}

async function readRecord(directory: string): Promise<Recorded | undefined> {
  try {
    const text = await readFile(join(directory, RECORD_FILE), "utf8");
    const parsed = v.safeParse(recordSchema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    // absent or damaged: there is nothing to go on with
    return undefined;
  }
}
