import type { JsonObject } from "../../../core/json.ts";
import { BadRow } from "./row.ts";

/** What spreadsheets put between cells; where a comma is a decimal point, a semicolon. */
const SEPARATORS = [",", ";", "\t"] as const;

/** The columns of a CSV. */
export interface CsvHeader {
  readonly separator: string;
  readonly names: readonly string[];
}

/** @returns undefined where the line is no header with a column of pictures */
export function csvHeader(line: string): CsvHeader | undefined {
  for (const separator of SEPARATORS) {
    const names = csvCells(line, separator)?.map((name) => name.trim().toLowerCase());
    if (names?.some((name) => name === "image" || name === "file_name")) return { separator, names };
  }
  return undefined;
}

/** A row as an object of its columns. */
export function csvObject(header: CsvHeader, cells: readonly string[]): JsonObject {
  const { names } = header;
  if (cells.length > names.length) {
    const message = `${cells.length} cells, and the first line has ${names.length}`;
    throw new BadRow(message, `put a cell that has "${header.separator}" in it into quotation marks`);
  }
  const object: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const cell = cells[index] ?? "";
    if (cell !== "") object[name === "file_name" ? "image" : name] = cell;
  }
  return object;
}

/**
 * The cells of one record. Format: RFC 4180; a quotation mark inside a cell that does not begin with one is itself.
 * @returns undefined where a quoted cell goes on in the next line
 */
export function csvCells(text: string, separator: string): string[] | undefined {
  const cells: string[] = [];
  for (let at = 0; ;) {
    let cell = "";
    if (text[at] === '"') {
      for (at++; ; at++) {
        const end = text.indexOf('"', at);
        if (end < 0) return undefined;
        cell += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        cell += '"';
      }
    }
    const end = text.indexOf(separator, at);
    cell += text.slice(at, end < 0 ? undefined : end);
    cells.push(cell);
    if (end < 0) return cells;
    at = end + separator.length;
  }
}
