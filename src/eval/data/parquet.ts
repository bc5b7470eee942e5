import { basename } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { FlashSlothError, messageOf } from "../../core/errors.ts";
import { COMPRESSORS } from "./parquet-codecs.ts";

/** Rows of one group of a Parquet file, which are decoded together. */
export interface RowGroup {
  readonly file: ParquetFile;
  /** its rows' numbers in the file, from `start` up to `end` */
  readonly start: number;
  readonly end: number;
}

/** Data sets with pictures have 100 to 1,000 rows in a group; no file of theirs has more rows than that. */
const MOST_ROWS = 10_000_000;
/** Of the columns that are read, of one group: a hundred pictures of several megabytes fit. */
const MOST_GROUP_BYTES = 2 ** 31;

/** A Parquet file of which columns are read, a group of rows at a time. Format: https://parquet.apache.org/docs/file-format. */
export class ParquetFile {
  readonly path: string;
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;

  private constructor(path: string, buffer: AsyncBuffer, metadata: FileMetaData) {
    this.path = path;
    this.#buffer = buffer;
    this.#metadata = metadata;
  }

  /** @throws `usage` for what is no Parquet file, or has not all of these columns */
  static async open(path: string, columns: readonly string[]): Promise<ParquetFile> {
    return await explained(path, async () => {
      const buffer = await asyncBufferFromFile(path);
      const metadata = await parquetMetadataAsync(buffer);
      const file = new ParquetFile(path, buffer, metadata);
      const names = parquetSchema(metadata).children.map(({ element }) => element.name);
      const lost = columns.find((column) => !names.includes(column));
      if (lost === undefined) return file;
      throw new FlashSlothError("usage", `${path} has no column ${lost}; it has ${names.join(", ")}`);
    });
  }

  /** The groups of its rows. @throws `usage` for more rows than any data set has */
  get groups(): RowGroup[] {
    let end = 0;
    return this.#metadata.row_groups.map(({ num_rows: rows }) => {
      const start = end;
      end += Number(rows);
      if (Number(rows) >= 0 && end <= MOST_ROWS) return { file: this, start, end };
      throw new FlashSlothError("usage", `${this.path} cannot be read: it claims to have ${end} rows`);
    });
  }

  /** Decodes columns of a group. @returns a row each, by the columns' names. @throws `usage` */
  async read(group: RowGroup, columns: readonly string[]): Promise<Record<string, unknown>[]> {
    return await explained(this.path, async () => {
      this.#checkSize(group, columns);
      const rows = await parquetReadObjects({
        file: this.#buffer,
        metadata: this.#metadata,
        columns: [...columns],
        rowStart: group.start,
        rowEnd: group.end,
        compressors: COMPRESSORS,
        utf8: false, // bytes are pictures; texts say that they are texts
      });
      if (rows.length === group.end - group.start) return rows as Record<string, unknown>[];
      throw new Error(`a group of ${group.end - group.start} rows has ${rows.length}`);
    });
  }

  #checkSize({ start }: RowGroup, columns: readonly string[]): void {
    const index = this.groups.findIndex((group) => group.start === start);
    const chunks = this.#metadata.row_groups[index]?.columns ?? [];
    let bytes = 0;
    for (const { meta_data: chunk } of chunks) {
      if (chunk === undefined || !columns.includes(chunk.path_in_schema[0] ?? "")) continue;
      bytes += Math.max(Number(chunk.total_uncompressed_size), Number(chunk.total_compressed_size));
    }
    if (bytes > MOST_GROUP_BYTES) throw new Error(`a group of rows claims to hold ${bytes} bytes`);
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

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FlashSlothError) throw error;
    throw new FlashSlothError("usage", `${path} cannot be read as a Parquet file: ${messageOf(error)}`, {
      hint: "fetch it again: it may have come only in part",
      cause: error,
    });
  }
}
