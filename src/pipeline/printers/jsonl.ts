import * as v from "valibot";
import { recordLine } from "../records.ts";
import { stampIn } from "../resume/stamp.ts";
import { parsedAs } from "./parsed.ts";
import type { Printer } from "./printer.ts";

const rowSchema = v.looseObject({
  id: v.optional(v.union([v.string(), v.number()])),
  image: v.string(),
  question: v.string(),
  answer: v.optional(v.string()),
  error: v.optional(v.object({ code: v.string() })),
});

/** Records, one JSON object a line. What cannot be answered has an `error` in place of the answer. */
export const jsonlPrinter: Printer = {
  print: ({ record }, { extra, stamp }) => `${recordLine({ ...record, ...extra, ...stamp })}\n`,
  rereads: {
    quoted: false,
    read: (row) => {
      const record = parsedAs(rowSchema, row);
      if (record === undefined || (record.answer === undefined) === (record.error === undefined))
        return undefined;
      const { id, image, question, error } = record;
      return { id, image, question, failed: error !== undefined, stamp: stampIn(record) };
    },
  },
};
