import { isUtf8 } from "node:buffer";
import { FlashSlothError } from "../../core/errors.ts";
import { openInput } from "../../pipeline/sources/bytes/input.ts";
import { csvCells } from "../../pipeline/sources/questions/csv.ts";
import { pieces } from "../../pipeline/sources/bytes/pieces.ts";
import { LONGEST_LINE } from "../../pipeline/sources/questions/lines.ts";

const NEWLINE = 0x0a;

/** A row of a table may go on for so many lines: a quotation mark that is never closed shall not swallow the file. */
const MOST_LINES = 1000;

/**
 * The rows of a file of tab-separated values, whose first line names the columns, one by one.
 * @throws `usage` for a missing column, and for the row that cannot be read
 */
export async function* tableRows(
  file: string,
  columns: readonly string[],
): AsyncGenerator<{ readonly cells: ReadonlyMap<string, string>; readonly at: string }, void, void> {
  const input = await openInput({ file });
  let names: readonly string[] | undefined;
  let begun: { readonly text: string; readonly number: number; readonly lines: number } | undefined;
  try {
    for await (const line of pieces(input.bytes, { separator: NEWLINE, longest: LONGEST_LINE })) {
      const number: number = begun?.number ?? line.number;
      const at = `${file}:${number}`;
      const own = lineText(line.bytes, at);
      if (begun === undefined && own.trim() === "") continue;
      const text: string = begun === undefined ? own : `${begun.text}\n${own}`;
      const cells = csvCells(text, "\t");
      if (cells === undefined) {
        begun = { text, number, lines: (begun?.lines ?? 0) + 1 };
        if (begun.lines >= MOST_LINES) throw notClosed(at);
      } else if (names === undefined) {
        begun = undefined;
        names = cells;
        const lost = columns.find((column) => !cells.includes(column));
        if (lost !== undefined) throw new FlashSlothError("usage", `${at}: there is no column ${lost}`);
      } else {
        begun = undefined;
        if (cells.length > names.length) {
          const counts = `${cells.length} cells, and the first line has ${names.length}`;
          throw new FlashSlothError("usage", `${at}: ${counts}`);
        }
        yield { cells: new Map(names.map((name, index) => [name, cells[index] ?? ""])), at };
      }
    }
    if (begun !== undefined) throw notClosed(`${file}:${begun.number}`);
  } finally {
    input.close();
  }
}

/** @param bytes undefined for a line that is too long for any */
function lineText(bytes: Uint8Array | undefined, at: string): string {
  if (bytes !== undefined && isUtf8(bytes)) {
    return Buffer.from(bytes)
      .toString("utf8")
      .replace(/^\ufeff/, "")
      .replace(/\r$/, "");
  }
  throw new FlashSlothError(
    "usage",
    `${at}: ${bytes === undefined ? "too long for one line" : "no UTF-8 text"}`,
  );
}

function notClosed(at: string): FlashSlothError {
  return new FlashSlothError("usage", `${at}: a quotation mark is not closed`);
}
