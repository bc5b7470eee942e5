import { visibleText } from "../../core/visible.ts";
import type { Outcome } from "../../pipeline/outcome.ts";
import type { Beside, Printer } from "../../pipeline/printers/printer.ts";
import type { Output } from "./output.ts";

/** Puts outcomes where answers go. */
export interface AnswerWriter {
  /** New text of the answer in hand, where the form shows it piece by piece. */
  readonly onText?: (piece: string) => void;
  /** The whole outcome. @throws `disk` */
  write(outcome: Outcome, beside: Beside): Promise<void>;
}

/**
 * A row for each outcome.
 * @param fresh whether the output holds nothing yet
 */
export function rowWriter(printer: Printer, output: Output, fresh = true): AnswerWriter {
  let header = fresh ? (printer.header ?? "") : "";
  return {
    write: async (outcome, beside) => {
      const row = printer.print(outcome, beside);
      if (row === "") return;
      await output.write(header + row);
      header = "";
    },
  };
}

/**
 * The one answer of a run, as text.
 * @param streams show it as it is generated; else when it is whole
 */
export function streamWriter(output: Output, streams: boolean): AnswerWriter {
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

/** Nothing: the answers go elsewhere. */
export const noWriter: AnswerWriter = { write: async () => {} };
