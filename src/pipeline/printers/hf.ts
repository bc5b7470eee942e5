import { relative, resolve, sep } from "node:path";
import { recordLine } from "../records.ts";
import type { Printer } from "./printer.ts";

/**
 * `metadata.jsonl` of a Hugging Face imagefolder: each picture's name, relative to the folder that the file is in, and its
 * answer as `text`. A picture without an answer has no line: a training set shall not learn from it.
 * @param folder where the file lies; undefined leaves the names as they were given
 */
export function hfPrinter(folder: string | undefined): Printer {
  const nameOf = (image: string): string =>
    folder === undefined ? image : relative(folder, resolve(image)).split(sep).join("/");
  return {
    print: ({ job, record }) => {
      if ("error" in record) return "";
      const named = "input" in job && typeof job.input === "string";
      const file_name = named ? nameOf(job.input) : record.image;
      return `${recordLine({ file_name, text: record.answer })}\n`;
    },
  };
}
