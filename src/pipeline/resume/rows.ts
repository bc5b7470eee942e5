import { open } from "node:fs/promises";
import { FlashSlothError } from "../../core/errors.ts";

const READ_BYTES = 1024 * 1024;
/** No answer is that long: a file that holds longer rows is something else. */
const MAX_ROW_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** One row of a file, and where it lies: bytes from `start` up to `end`, its newline included. */
export interface Row {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The whole rows of a file. What follows the last newline was cut off in the midst of being written, and is left out.
 * @param quoted whether a newline between double quotes does not end a row
 * @throws `usage` for rows that nobody wrote; the system's own error
 */
export async function* wholeRows(path: string, quoted: boolean): AsyncGenerator<Row, void, void> {
  const file = await open(path, "r");
  try {
    let held: Buffer = Buffer.alloc(0);
    let start = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES);
      if (bytesRead === 0) return;
      held = Buffer.concat([held, buffer.subarray(0, bytesRead)]);
      let from = 0;
      for (let end = rowEnd(held, 0, quoted); end >= 0; end = rowEnd(held, from, quoted)) {
        yield { text: held.toString("utf8", from, end), start: start + from, end: start + end + 1 };
        from = end + 1;
      }
      held = held.subarray(from);
      start += from;
      if (held.byteLength > MAX_ROW_BYTES) {
        throw new FlashSlothError("usage", `${path} is no file of answers: it has a row that does not end`);
      }
    }
  } finally {
    await file.close();
  }
}

/** Where the row's newline is; negative when it is not there yet. */
function rowEnd(bytes: Buffer, from: number, quoted: boolean): number {
  let end = bytes.indexOf(NEWLINE, from);
  if (!quoted) return end;
  let inside = false;
  let seen = from;
  for (; end >= 0; end = bytes.indexOf(NEWLINE, end + 1)) {
    for (let quote = bytes.indexOf(QUOTE, seen); quote >= 0 && quote < end;) {
      inside = !inside;
      quote = bytes.indexOf(QUOTE, quote + 1);
    }
    seen = end;
    if (!inside) return end;
  }
  return -1;
}
