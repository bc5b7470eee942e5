import { oneLine, visibleText } from "../../core/visible.ts";
import type { Answer } from "../../engine/api.ts";
import type { Output } from "../answers/output.ts";

/** Puts answers where they go. */
export interface Voice {
  /** New text of the answer in hand. */
  onText(piece: string): void;
  /** The answer has ended. @param answer undefined where there is none. @throws `disk` */
  end(answer: Answer | undefined): Promise<void>;
}

/** Answers as they are generated. */
export function streamedVoice(output: Output): Voice {
  let written: Promise<unknown> = Promise.resolve();
  let begun = false;
  const push = (text: string): void => {
    // `all` takes note of a failure at once, and keeps it for the end of the answer
    written = Promise.all([written, output.write(text)]);
    written.catch(() => {});
  };
  return {
    onText: (piece) => {
      begun = true;
      push(visibleText(piece));
    },
    end: async (answer) => {
      if (begun || answer?.finish === "stop") push("\n");
      begun = false;
      await written;
    },
  };
}

/** A line for each question, empty where there is no answer: the lines that come out are those that went in. */
export function lineVoice(output: Output): Voice {
  return {
    onText: () => {},
    end: async (answer) => output.write(`${oneLine(answer?.text ?? "")}\n`),
  };
}
