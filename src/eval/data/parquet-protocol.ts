/** What the thread that reads Parquet files is sent, one at a time. */
export interface ParquetRequest {
  readonly path: string;
  /** Decode these columns of a group of rows, by its number. @default say what is in the file */
  readonly read?: { readonly group: number; readonly columns: readonly string[] } | undefined;
}

/** What it says to each. */
export type ParquetReply =
  /** the columns' names, and how many rows each group has */
  | { readonly columns: readonly string[]; readonly groups: readonly number[] }
  /** a row each, by the columns' names */
  | { readonly rows: readonly Record<string, unknown>[] }
  /** why it cannot be read */
  | { readonly failed: string };
