import { visible } from "../../core/visible.ts";
import { stampSchema } from "../resume/stamp.ts";
import { parsedAs } from "./parsed.ts";
import type { Printer, WrittenRow } from "./printer.ts";

const COLUMNS = [
  "id",
  "image",
  "question",
  "answer",
  "error",
  "message",
  "finish",
  "model",
  "seconds",
] as const;
/** what a later run reads: JSON */
const STAMP_COLUMN = "stamp" as const;

/**
 * A table for spreadsheets: a header, then a row per answer; what cannot be answered has its reason in `error` and `message`.
 * Quoting: RFC 4180, with newlines alone at the ends of rows.
 * @param stamped whether there is a column for what a later run must know
 */
export function csvPrinter(stamped: boolean): Printer {
  const columns = stamped ? [...COLUMNS, STAMP_COLUMN] : COLUMNS;
  return {
    header: csvRow(columns),
    print: ({ record }, { stamp }) => {
      const { id = "", image, question, model } = record;
      const about = [String(id), image, question];
      const cells =
        "error" in record
          ? [...about, "", record.error.code, record.error.message, "", model, ""]
          : [...about, record.answer, "", "", record.finish, model, String(record.ms.total / 1000)];
      return csvRow(stamped ? [...cells, stamp === undefined ? "" : JSON.stringify(stamp)] : cells);
    },
    rereads: stamped ? { quoted: true, read: readRow } : undefined,
  };
}

function readRow(row: string): WrittenRow | undefined {
  const cells = csvCells(row);
  if (cells.length !== COLUMNS.length + 1) return undefined;
  const [id = "", image = "", question = "", , error, , , , , stamp = ""] = cells;
  return {
    ...(id !== "" && { id }),
    image,
    question,
    failed: error !== "",
    stamp: parsedAs(stampSchema, stamp),
  };
}

/** The cells as one row, with its newline. */
export function csvRow(cells: readonly string[]): string {
  return `${cells.map((cell) => quoted(harmless(cell))).join(",")}\n`;
}

/** A row's cells as they were before. @param row as `csvRow` makes it, less its newline */
export function csvCells(row: string): string[] {
  const cells = row.match(/(?<=^|,)(?:"(?:[^"]|"")*"|[^",]*)(?=,|$)/g) ?? [];
  return cells.map((cell) => {
    const text = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
    return GUARDED.test(text) ? text.slice(1) : text;
  });
}

/** What a spreadsheet takes for a formula, or would once an apostrophe is taken off; a plain number is none. */
const FORMULA = /^'*[=+\-@\t]/;
const GUARDED = /^''*[=+\-@\t]/;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

/**
 * The text, with nothing in it that a spreadsheet would run or a terminal obey: before a formula comes an apostrophe, as OWASP
 * advises, and control characters are shown.
 */
function harmless(cell: string): string {
  const shown = visible(cell.replaceAll("\r\n", "\n"), "\n\t");
  return FORMULA.test(shown) && !NUMBER.test(shown) ? `'${shown}` : shown;
}

function quoted(cell: string): string {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
