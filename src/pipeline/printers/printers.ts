import { dirname } from "node:path";
import { csvPrinter } from "./csv.ts";
import { hfPrinter } from "./hf.ts";
import { jsonlPrinter } from "./jsonl.ts";
import { llavaPrinter } from "./llava.ts";
import { openaiPrinter } from "./openai.ts";
import type { Format, Printer } from "./printer.ts";
import { textPrinter, type LineParts } from "./text.ts";

export interface PrinterOptions {
  readonly format: Format;
  /** What tells a line of text from the others. */
  readonly parts: LineParts;
  /** The file that the answers go to, where a later run may go on with it. @default they go elsewhere */
  readonly file?: string | undefined;
}

/** The printer of a form. */
export function printerOf(options: PrinterOptions): Printer {
  const { format, parts, file } = options;
  switch (format) {
    case "text":
      return textPrinter(parts);
    case "jsonl":
      return jsonlPrinter;
    case "csv":
      return csvPrinter(file !== undefined);
    case "llava":
      return llavaPrinter(parts.question);
    case "openai":
      return openaiPrinter(parts.question);
    case "hf":
      return hfPrinter(file === undefined ? undefined : dirname(file));
  }
}
