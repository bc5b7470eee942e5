import { oneLine, visible } from "../../core/visible.ts";
import type { Printer } from "./printer.ts";

/** What tells a line from the others: the picture it is about, the question it answers. */
export interface LineParts {
  readonly image: boolean;
  readonly question: boolean;
}

/**
 * For people: `path: answer`, or `path: question answer` where there are several questions, a line each. What cannot be
 * answered has none.
 */
export function textPrinter(parts: LineParts): Printer {
  return {
    print: ({ record }) => {
      if ("error" in record) return "";
      const image = parts.image ? `${visible(record.image)}: ` : "";
      const question = parts.question ? `${oneLine(record.question)} ` : "";
      return `${image}${question}${oneLine(record.answer)}\n`;
    },
  };
}
