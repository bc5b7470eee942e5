import { parentPort } from "node:worker_threads";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { messageOf } from "../../core/errors.ts";
import { COMPRESSORS } from "./parquet-codecs.ts";
import type { ParquetReply, ParquetRequest } from "./parquet-protocol.ts";

/** The thread that reads Parquet files: a damaged one may keep it busy for ever, and then it is ended. */

/** Data sets with pictures have 100 to 1,000 rows in a group; no file of theirs has more rows than that. */
const MOST_ROWS = 10_000_000;
/** Of the columns that are read, of one group: a hundred pictures of several megabytes fit. */
const MOST_GROUP_BYTES = 2 ** 31;

const port = parentPort;
if (port === null) throw new TypeError("this module runs in a worker thread only");

interface Opened {
  readonly path: string;
  readonly buffer: AsyncBuffer;
  readonly metadata: FileMetaData;
}

/** the last file that was asked about: it is read on as it was then */
let opened: Opened | undefined;

port.on("message", (request: ParquetRequest) => {
  answer(request).then(
    (reply) => port.postMessage(reply),
    (error: unknown) => port.postMessage({ failed: messageOf(error) } satisfies ParquetReply),
  );
});

async function answer({ path, read }: ParquetRequest): Promise<ParquetReply> {
  const file = read !== undefined && opened?.path === path ? opened : await openAt(path);
  const groups = rowsOf(file.metadata);
  if (read === undefined) {
    const columns = parquetSchema(file.metadata).children.map(({ element }) => element.name);
    return { columns, groups };
  }
  const { group, columns } = read;
  checkSize(file.metadata, group, columns);
  const rowStart = groups.slice(0, group).reduce((sum, rows) => sum + rows, 0);
  const count = groups[group] ?? 0;
  const rows = await parquetReadObjects({
    file: file.buffer,
    metadata: file.metadata,
    columns: [...columns],
    rowStart,
    rowEnd: rowStart + count,
    compressors: COMPRESSORS,
    utf8: false, // bytes are pictures; texts say that they are texts
  });
  if (rows.length !== count) throw new Error(`a group of ${count} rows has ${rows.length}`);
  return { rows };
}

async function openAt(path: string): Promise<Opened> {
  const buffer = await asyncBufferFromFile(path);
  opened = { path, buffer, metadata: await parquetMetadataAsync(buffer) };
  return opened;
}

function rowsOf({ row_groups: groups }: FileMetaData): number[] {
  const counts = groups.map(({ num_rows: rows }) => Number(rows));
  const all = counts.reduce((sum, rows) => sum + rows, 0);
  if (counts.every((rows) => rows >= 0) && all <= MOST_ROWS) return counts;
  throw new Error(`it claims to have ${all} rows`);
}

function checkSize({ row_groups: groups }: FileMetaData, group: number, columns: readonly string[]): void {
  let bytes = 0;
  for (const { meta_data: chunk } of groups[group]?.columns ?? []) {
    if (chunk === undefined || !columns.includes(chunk.path_in_schema[0] ?? "")) continue;
    bytes += Math.max(Number(chunk.total_uncompressed_size), Number(chunk.total_compressed_size));
  }
  if (bytes > MOST_GROUP_BYTES) throw new Error(`a group of rows claims to hold ${bytes} bytes`);
}
