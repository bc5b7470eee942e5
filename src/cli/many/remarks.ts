import type { Outcome } from "../../pipeline/outcome.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { oneLine } from "../../core/visible.ts";

/** A question in a message is there to be recognised, not to be read whole. */
const SHOWN_CHARACTERS = 60;

/** What a run is about, as far as messages name it. */
export interface RemarksOptions {
  readonly terminal: Pick<Terminal, "error" | "warning">;
  /** Asked about every picture; where there are none, each picture has its own. */
  readonly questions: readonly string[];
  /** For one picture, in milliseconds. @default none */
  readonly timeoutMs?: number | undefined;
}

/** What a person is told about the outcomes beside the answers. */
export class Remarks {
  readonly #options: RemarksOptions;
  #lastError: Error | undefined;

  constructor(options: RemarksOptions) {
    this.#options = options;
  }

  /** Says why there is no answer, once for what several questions failed of, or why it is not whole. */
  explain(outcome: Outcome): void {
    const { terminal, timeoutMs = 0 } = this.#options;
    const { image } = outcome.record;
    if ("error" in outcome) {
      const { error, failed } = outcome;
      if (error === this.#lastError) return;
      this.#lastError = error;
      const subject = failed === "picture" ? image : this.subject(outcome);
      const whole = subject === image && error.message.includes(image);
      terminal.error(whole ? error.message : `${subject}: ${error.message}`, error.hint);
    } else if (outcome.record.finish === "timeout") {
      terminal.warning(`${this.subject(outcome)}: the answer was cut off after ${timeoutMs / 1000} s`);
    } else if (outcome.record.finish === "length") {
      const { answer } = outcome.record.tokens;
      terminal.warning(`${this.subject(outcome)}: the answer was cut off after ${answer} tokens`);
    } else if (outcome.record.finish === "repetition") {
      terminal.warning(`${this.subject(outcome)}: the answer repeated itself without end, and was cut off`);
    }
  }

  /** What messages call an outcome: its picture, and its question where there are several. */
  subject({ record: { image, question } }: Outcome): string {
    if (this.#options.questions.length === 1) return image;
    const characters = Array.from(oneLine(question));
    const shown = characters.slice(0, SHOWN_CHARACTERS).join("");
    return `${image}: ${shown}${characters.length > SHOWN_CHARACTERS ? "…" : ""}`;
  }
}
