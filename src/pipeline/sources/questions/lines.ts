import { isUtf8 } from "node:buffer";
import type { Input } from "../bytes/input.ts";
import { pieces } from "../bytes/pieces.ts";
import { BadRow } from "./row.ts";

/** A request with a picture of 90 MB in base64; OpenAI takes batches of 200 MB. */
export const LONGEST_LINE: number = 128 * 1024 * 1024;
const NEWLINE = 0x0a;

/** A line of a text, without its end, or why it is none. */
export type Line = { readonly number: number } & ({ readonly text: string } | { readonly bad: BadRow });

/** The lines of a text that have something in them. */
export async function* textLines(input: Input): AsyncGenerator<Line, void, void> {
  for await (const { number, bytes } of pieces(input.bytes, { separator: NEWLINE, longest: LONGEST_LINE })) {
    if (bytes === undefined) {
      const most = `${LONGEST_LINE / 2 ** 20} MiB`;
      yield {
        number,
        bad: new BadRow(`more than ${most}, too long for one line`, "name pictures by their paths"),
      };
    } else if (!isUtf8(bytes)) {
      yield { number, bad: new BadRow("no UTF-8 text", "save the file as UTF-8") };
    } else {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
      const line = text.replace(number === 1 ? /^\ufeff/ : "", "").replace(/\r$/, "");
      if (line.trim() !== "") yield { number, text: line };
    }
  }
}
