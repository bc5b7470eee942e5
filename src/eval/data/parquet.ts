import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { FlashSlothError, messageOf } from "../../core/errors.ts";
import { ParquetThread } from "./parquet-thread.ts";

/** Rows of one group of a Parquet file, which are decoded together. */
export interface RowGroup {
  readonly file: ParquetFile;
  /** its number in the file */
  readonly number: number;
  /** its rows' numbers in the file, from `start` up to `end` */
  readonly start: number;
  readonly end: number;
}

const shared: ParquetThread = new ParquetThread();

/** A Parquet file of which columns are read, a group of rows at a time. Format: https://parquet.apache.org/docs/file-format. */
export class ParquetFile {
  readonly path: string;
  readonly groups: readonly RowGroup[];
  readonly #thread: ParquetThread;

  private constructor(path: string, counts: readonly number[], thread: ParquetThread) {
    this.path = path;
    this.#thread = thread;
    let end = 0;
    this.groups = counts.map((rows, number) => {
      const start = end;
      end += rows;
      return { file: this, number, start, end };
    });
  }

  /**
   * @param thread what reads it @default one that all files share
   * @throws `usage` for what is no Parquet file, or has not all of these columns
   */
  static async open(
    path: string,
    columns: readonly string[],
    thread: ParquetThread = shared,
  ): Promise<ParquetFile> {
    const found = await stat(path).catch((error: unknown) => messageOf(error));
    if (typeof found === "string" || !found.isFile()) {
      throw unreadable(path, typeof found === "string" ? found : "it is no regular file");
    }
    const reply = await thread.ask({ path });
    if (!("groups" in reply)) throw unreadable(path, "failed" in reply ? reply.failed : "it has no groups");
    const lost = columns.find((column) => !reply.columns.includes(column));
    if (lost === undefined) return new ParquetFile(path, reply.groups, thread);
    throw new FlashSlothError("usage", `${path} has no column ${lost}; it has ${reply.columns.join(", ")}`);
  }

  /** Decodes columns of a group. @returns a row each, by the columns' names. @throws `usage` */
  async read({ number }: RowGroup, columns: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const reply = await this.#thread.ask({ path: this.path, read: { group: number, columns } });
    if ("rows" in reply) return reply.rows;
    throw unreadable(this.path, "failed" in reply ? reply.failed : "it has no rows");
  }
}

/** What a row of a file is called in messages. */
export function rowName(file: ParquetFile, row: number): string {
  return `${file.path}#${row}`;
}

/** The same without the folder: alike on every machine. */
export function shortRowName(file: ParquetFile, row: number): string {
  return `${basename(file.path)}#${row}`;
}

function unreadable(path: string, why: string): FlashSlothError {
  return new FlashSlothError("usage", `${path} cannot be read as a Parquet file: ${why}`, {
    hint: "fetch it again: it may have come only in part",
  });
}
