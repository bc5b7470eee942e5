import * as v from "valibot";
import { FlashSlothError } from "../../core/errors.ts";
import { openInput } from "../../pipeline/sources/bytes/input.ts";
import { textLines } from "../../pipeline/sources/questions/lines.ts";

/** A row of a file, and where it stands. */
export interface Row<T> {
  readonly row: T;
  /** `FILE:LINE` */
  readonly at: string;
}

/**
 * The rows of a JSON Lines file, one by one.
 * @throws `usage` where it cannot be read, or a line is not of that form
 */
export async function* jsonLines<T>(
  file: string,
  schema: v.GenericSchema<unknown, T>,
): AsyncGenerator<Row<T>, void, void> {
  const input = await openInput({ file });
  try {
    for await (const line of textLines(input)) {
      const at = `${file}:${line.number}`;
      if ("bad" in line) throw new FlashSlothError("usage", `${at}: ${line.bad.message}`);
      yield { row: parsedRow(line.text, schema, at), at };
    }
  } finally {
    input.close();
  }
}

function parsedRow<T>(text: string, schema: v.GenericSchema<unknown, T>, at: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new FlashSlothError("usage", `${at}: no JSON`, { cause: error });
  }
  return checked(json, schema, at);
}

/** A value of that form. @throws `usage` naming where it stands, and the first part that does not fit */
export function checked<T>(value: unknown, schema: v.GenericSchema<unknown, T>, at: string): T {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  if (path !== null && issue.received === "undefined") {
    throw new FlashSlothError("usage", `${at}: \`${path}\` is missing`);
  }
  throw new FlashSlothError("usage", `${at}: ${path === null ? "" : `\`${path}\`: `}${issue.message}`);
}
