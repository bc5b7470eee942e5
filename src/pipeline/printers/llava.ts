import * as v from "valibot";
import { recordLine } from "../records.ts";
import { stampIn } from "../resume/stamp.ts";
import { digestOf, idOf } from "./ids.ts";
import { parsedAs } from "./parsed.ts";
import type { Printer } from "./printer.ts";

const rowSchema = v.object({
  question_id: v.union([v.string(), v.number()]),
  prompt: v.string(),
  metadata: v.looseObject({
    image: v.optional(v.string()),
    error: v.optional(v.object({ code: v.string() })),
  }),
});

/**
 * The answers file that LLaVA's evaluation scripts read. Some of them pair its lines with the questions' by place, so that
 * what cannot be answered has a line too: an empty text, with the reason in `metadata`. Format: LLaVA,
 * `llava/eval/model_vqa_loader.py`.
 * @param several whether a picture has more than one question without an id
 */
export function llavaPrinter(several: boolean): Printer {
  return {
    print: (outcome, { stamp }) => {
      const { record } = outcome;
      const { image, question, model } = record;
      const question_id = idOf(outcome, several);
      const failed = "error" in record;
      const row = {
        question_id,
        prompt: question,
        text: failed ? "" : record.answer,
        answer_id: digestOf(question_id, image, question).slice(0, 22),
        model_id: model,
        metadata: { ...(stamp && { image }), ...(failed && { error: record.error }), ...stamp },
      };
      return `${recordLine(row)}\n`;
    },
    rereads: {
      quoted: false,
      read: (row) => {
        const answer = parsedAs(rowSchema, row);
        if (answer === undefined) return undefined;
        const { question_id: id, prompt: question, metadata } = answer;
        const { image, error } = metadata;
        if (image === undefined && error === undefined) return undefined; // not written to be read again
        return { id, image: image ?? "", question, failed: error !== undefined, stamp: stampIn(metadata) };
      },
    },
  };
}
