import { isObject, type JsonObject } from "../../../core/json.ts";
import { FlashSlothError, messageOf } from "../../../core/errors.ts";
import type { QuestionsForm } from "../../job.ts";
import { csvCells, csvHeader, csvObject, type CsvHeader } from "./csv.ts";
import { openaiRow } from "./openai.ts";
import { imagefolderRow, llavaRow, ourRow } from "./plain.ts";
import { BadRow, type Row } from "./row.ts";

/** How the lines of one file are read. */
export interface RowReader {
  readonly form: QuestionsForm;
  /** Whether the first line was a header, and asks nothing. */
  readonly header: boolean;
  /**
   * What a line asks.
   * @returns undefined where it goes on in the next one: the two are to be read as one, with the newline between
   * @throws BadRow
   */
  read(line: string): Row | undefined;
}

const ROWS = { ours: ourRow, llava: llavaRow, openai: openaiRow, imagefolder: imagefolderRow } as const;

/** Tells the form of a questions file by its first line. @throws `usage` where it is none of ours */
export function rowReader(first: string, file: string): RowReader {
  if (first.trimStart().startsWith("{")) {
    let object: JsonObject;
    try {
      object = jsonObject(first);
    } catch (error) {
      throw unknown(file, `its first line is ${messageOf(error)}`, error);
    }
    const form = jsonForm(object);
    if (form === undefined) {
      throw unknown(file, `the fields of its first line (${Object.keys(object).join(", ")}) name no picture`);
    }
    return { form, header: false, read: (line) => ROWS[form](jsonObject(line)) };
  }
  const header = csvHeader(first);
  if (header !== undefined) return { form: "csv", header: true, read: (line) => csvRow(line, header) };
  throw unknown(file, "its first line is neither JSON nor the header of a CSV with a column `image`");
}

function jsonForm(object: JsonObject): keyof typeof ROWS | undefined {
  const has = (name: string): boolean => object[name] !== undefined;
  if (has("custom_id") || has("body")) return "openai";
  if (has("question_id")) return "llava";
  if (has("image")) return "ours";
  return has("file_name") ? "imagefolder" : undefined;
}

function jsonObject(line: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BadRow(
      `no JSON (${messageOf(error)})`,
      "each line is one JSON object, without a comma after it",
    );
  }
  if (isObject(value)) return value;
  throw new BadRow("JSON, and no object", "each line is one JSON object: {…}");
}

function csvRow(line: string, header: CsvHeader): Row | undefined {
  const cells = csvCells(line, header.separator);
  return cells && ourRow(csvObject(header, cells));
}

function unknown(file: string, why: string, cause?: unknown): FlashSlothError {
  return new FlashSlothError("usage", `${file} is no file of questions: ${why}`, {
    cause,
    hint: 'a line is like {"image": "a.jpg", "question": "…"}; for a list of names, there is --files-from',
  });
}
