import { readFile, stat } from "node:fs/promises";
import * as v from "valibot";
import { FlashSlothError, messageOf } from "../../core/errors.ts";
import { checked } from "./lines.ts";

/** A file of annotations is read at once: those of GQA and TextVQA are 10 to 50 MB. */
const LARGEST = 500_000_000;

/** A whole JSON file of that form. @throws `usage` */
export async function jsonFile<T>(file: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
  let json: unknown;
  try {
    const { size } = await stat(file);
    if (size > LARGEST) throw new Error(`${size} bytes are too many`);
    json = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new FlashSlothError("usage", `${file} cannot be read as JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return checked(json, schema, file);
}
