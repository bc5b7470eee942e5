import * as v from "valibot";
import { completionBody, errorBody, OWN_FIELD } from "../../openai/completion.ts";
import { recordLine, type AnsweredRecord } from "../records.ts";
import { stampIn } from "../resume/stamp.ts";
import { digestOf, idOf } from "./ids.ts";
import { parsedAs } from "./parsed.ts";
import type { Printer } from "./printer.ts";

/** A batch's lines have the status codes of HTTP, as if each had been a request. */
const OK = 200;
const BAD_REQUEST = 400;

const rowSchema = v.object({
  custom_id: v.string(),
  response: v.object({
    status_code: v.number(),
    body: v.object({
      [OWN_FIELD]: v.optional(v.looseObject({ image: v.string(), question: v.string() })),
    }),
  }),
});

/**
 * The output file of an OpenAI batch: a line per request, the failed ones too. Format: OpenAI's batch guide, and vLLM's
 * `run-batch`, `vllm/entrypoints/openai/run_batch.py`.
 * @param several whether a picture has more than one question without an id
 */
export function openaiPrinter(several: boolean): Printer {
  return {
    print: (outcome, { stamp }) => {
      const { record } = outcome;
      const { image, question } = record;
      const custom_id = String(idOf(outcome, several));
      const id = digestOf(custom_id, image, question);
      const own = stamp && { [OWN_FIELD]: { image, question, ...stamp } };
      const failed = "error" in record;
      const row = {
        id: `batch_req_${id}`,
        custom_id,
        response: {
          status_code: failed ? BAD_REQUEST : OK,
          request_id: id,
          body: { ...(failed ? errorBody(record.error) : completionOf(record, id)), ...own },
        },
        error: failed ? { code: record.error.code, message: record.error.message } : null,
      };
      return `${recordLine(row)}\n`;
    },
    rereads: {
      quoted: false,
      read: (row) => {
        const line = parsedAs(rowSchema, row);
        if (line === undefined) return undefined;
        const own = line.response.body[OWN_FIELD];
        const failed = line.response.status_code !== OK;
        if (own === undefined && !failed) return undefined; // not written to be read again
        const { image = "", question = "" } = own ?? {};
        return { id: line.custom_id, image, question, failed, stamp: stampIn(own) };
      },
    },
  };
}

function completionOf({ answer: text, model, finish, tokens }: AnsweredRecord, id: string): object {
  return completionBody({ id, model, text, finish, tokens });
}
