import { FlashSlothError } from "../../core/errors.ts";
import { openInput } from "../../pipeline/sources/bytes/input.ts";
import { pieces } from "../../pipeline/sources/bytes/pieces.ts";
import { statusOfRun } from "../exit.ts";
import type { CommandContext } from "../run-command.ts";
import type { Dialogue } from "./dialogue.ts";

/** No question that a model takes is as long. */
const LONGEST_LINE = 1_000_000;
const NEWLINE = 0x0a;

export interface FromPipeOptions {
  readonly context: CommandContext;
  readonly dialogue: Dialogue;
}

/**
 * Takes each line of standard input as soon as it is there. The first Ctrl-C lets the answer in hand be finished.
 * @returns the exit status: whether everything that was asked and ordered was done
 */
export async function chatFromPipe({ context, dialogue }: FromPipeOptions): Promise<number> {
  const { interrupts, signal, output } = context;
  const input = await openInput({ file: "-" });
  const close = (): void => input.close();
  signal.addEventListener("abort", close);
  output.closed.addEventListener("abort", close);
  interrupts.inHand = "this answer";
  const never = new AbortController().signal;
  const decoder = new TextDecoder();
  interrupts.immediate = true; // nothing is in hand while a line is waited for
  for await (const { number, bytes } of pieces(input.bytes, { separator: NEWLINE, longest: LONGEST_LINE })) {
    interrupts.immediate = false;
    const goesOn =
      bytes === undefined
        ? await dialogue.fail(tooLong(number))
        : await dialogue.take(decoder.decode(bytes), never);
    interrupts.immediate = true;
    if (!goesOn || signal.aborted || output.closed.aborted) break;
  }
  interrupts.immediate = false;
  input.close();
  return statusOfRun(dialogue.counts);
}

function tooLong(number: number): FlashSlothError {
  return new FlashSlothError(
    "question-too-long",
    `line ${number} of standard input is longer than ${LONGEST_LINE} bytes`,
    { hint: "ask a shorter question" },
  );
}
