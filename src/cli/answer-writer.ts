import type { Outcome } from "../pipeline/outcome.ts";
import { recordLine } from "../pipeline/records.ts";
import type { Output } from "./output.ts";
import { oneLine, visible, visibleText } from "./text.ts";

/** Puts outcomes into one of the three forms of `ask`'s answers. A failed picture has a line in JSON only. */
export interface AnswerWriter {
  /** New text of the answer in hand, where the form shows it piece by piece. */
  readonly onText?: (piece: string) => void;
  /** The whole outcome; `extra` are further fields for a JSON record. @throws `disk` */
  write(outcome: Outcome, extra?: object): Promise<void>;
}

export interface AnswerForm {
  readonly json: boolean;
  /** how many there are */
  readonly pictures: number;
  readonly questions: number;
  /** An answer is of use only when it is complete. @default false */
  readonly whole?: boolean | undefined;
}

/** Lines of JSON where they are wanted; else one answer piece by piece, and several a line each. */
export function answerWriter(form: AnswerForm, output: Output): AnswerWriter {
  const { json, pictures, questions, whole = false } = form;
  if (json) return jsonWriter(output);
  if (pictures === 1 && questions === 1) return streamWriter(output, output.streams && !whole);
  return lineWriter(output, { image: pictures > 1, question: questions > 1 });
}

/** One object a line. */
function jsonWriter(output: Output): AnswerWriter {
  return {
    write: async ({ record }, extra) => output.write(`${recordLine({ ...record, ...extra })}\n`),
  };
}

/** What tells a line from the others: the picture it is about, the question it answers. */
interface LineParts {
  readonly image: boolean;
  readonly question: boolean;
}

/** `path: answer`, or `path: question answer` where there are several questions, a line each. */
function lineWriter(output: Output, parts: LineParts): AnswerWriter {
  return {
    write: async ({ record }) => {
      if ("error" in record) return;
      const image = parts.image ? `${visible(record.image)}: ` : "";
      const question = parts.question ? `${oneLine(record.question)} ` : "";
      await output.write(`${image}${question}${oneLine(record.answer)}\n`);
    },
  };
}

/** The one answer, as it is generated where that is wanted. */
function streamWriter(output: Output, streams: boolean): AnswerWriter {
  let written: Promise<unknown> = Promise.resolve();
  let begun = false;
  const push = (text: string): void => {
    begun = true;
    const next = output.write(text);
    // `all` takes note of a failure at once, and keeps it for the end of the answer
    written = Promise.all([written, next]);
    written.catch(() => {});
  };
  return {
    ...(streams ? { onText: (piece: string) => push(visibleText(piece)) } : {}),
    write: async ({ record }) => {
      if ("error" in record) {
        if (begun) push("\n");
      } else push(streams ? "\n" : `${visibleText(record.answer)}\n`);
      await written;
    },
  };
}
