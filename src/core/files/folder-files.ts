import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileSource, type ByteSource } from "./bytes.ts";
import { asFlashSlothError, FlashSlothError, systemCode } from "../errors.ts";

/** The files of one folder, wherever it is: on this disk, or in a repository of which ranges are read. */
export interface FolderFiles {
  /** What messages call the folder. */
  readonly name: string;
  /** What messages call one of its files. */
  pathOf(file: string): string;
  /** Names of its own files, not of those in folders inside it. */
  list(): Promise<readonly string[]>;
  /**
   * One of its files; undefined when there is none of that name.
   * @throws `checkpoint-invalid` when it is no regular file or may not be read
   */
  open(file: string): Promise<ByteSource | undefined>;
}

/** A folder of this disk. */
export class DiskFolder implements FolderFiles {
  readonly name: string;

  constructor(directory: string) {
    this.name = directory;
  }

  pathOf(file: string): string {
    return join(this.name, file);
  }

  async list(): Promise<readonly string[]> {
    try {
      return (await readdir(this.name)).sort();
    } catch (error) {
      throw asFlashSlothError(error, "checkpoint-invalid", `${this.name} cannot be read`);
    }
  }

  async open(file: string): Promise<ByteSource | undefined> {
    const path = this.pathOf(file);
    try {
      // a look before the opening: that of a pipe would wait for a writer
      if (!(await stat(path)).isFile()) {
        throw new FlashSlothError("checkpoint-invalid", `${path}: not a regular file`);
      }
      return await FileSource.open(path);
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw asFlashSlothError(error, "checkpoint-invalid", `${path} cannot be read`);
    }
  }
}
