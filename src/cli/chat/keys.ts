import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { ReadStream } from "node:tty";

/** What makes a terminal mark the beginning and the end of what is pasted (xterm, "bracketed paste mode"), and not. */
export const MARK_PASTES = "\u001b[?2004h";
export const MARK_NO_PASTES = "\u001b[?2004l";

const BEGIN = "\u001b[200~";
const END = "\u001b[201~";
const CTRL_C = "\u0003";
/** A longer paste is no question: of what comes behind nothing is held. */
const LONGEST_PASTE = 1_000_000;
/** So much text at once comes from no fingers: a paste into a terminal that does not mark it, or another program. */
const MANY_CHARACTERS = 32;

/** What a terminal sent: keys, or text that is taken as it is. */
export type Keystrokes = { readonly keys: string } | { readonly text: string };

/** Tells pasted text from keys. */
export class PasteReader {
  /** what may be the beginning of a mark */
  #held = "";
  /** what was pasted so far; undefined outside a paste */
  #pasted: string | undefined;

  push(received: string): Keystrokes[] {
    const found: Keystrokes[] = [];
    let text = this.#held + received;
    this.#held = "";
    while (text !== "") {
      const mark = this.#pasted === undefined ? BEGIN : END;
      const at = text.indexOf(mark);
      const given = this.#pasted === undefined ? -1 : text.indexOf(CTRL_C);
      if (given >= 0 && (at < 0 || given < at)) {
        this.#pasted = undefined; // its end was lost: terminals paste no control characters
        text = text.slice(given);
        continue;
      }
      const piece = at < 0 ? text.slice(0, text.length - heldLength(text, mark)) : text.slice(0, at);
      if (this.#pasted !== undefined) {
        this.#pasted += piece.slice(0, LONGEST_PASTE - this.#pasted.length);
        if (at >= 0) found.push({ text: this.#pasted });
      } else if (piece !== "") found.push(typed(piece));
      if (at < 0) {
        this.#held = text.slice(piece.length);
        return found;
      }
      this.#pasted = this.#pasted === undefined ? "" : undefined;
      text = text.slice(at + mark.length);
    }
    return found;
  }
}

/** How much of the end may begin a mark; less than three characters are a key of its own (Escape). */
function heldLength(text: string, mark: string): number {
  for (let length = mark.length - 1; length >= 3; length--) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}

function typed(piece: string): Keystrokes {
  return piece.length >= MANY_CHARACTERS && !/\p{Cc}/u.test(piece) ? { text: piece } : { keys: piece };
}

/** A terminal's keys as `node:readline` reads them, without what was pasted. */
export class TerminalKeys extends Readable {
  readonly isTTY = true;
  readonly #source: ReadStream;
  readonly #decoder = new StringDecoder("utf8");
  readonly #pastes = new PasteReader();
  readonly #onData: (bytes: Buffer) => void;

  /** @param onText takes what was pasted, in order with the keys */
  constructor(source: ReadStream, onText: (text: string) => void) {
    super();
    this.#source = source;
    this.#onData = (bytes) => {
      for (const stroke of this.#pastes.push(this.#decoder.write(bytes))) {
        if ("text" in stroke) onText(stroke.text);
        else this.emit("data", stroke.keys);
      }
    };
    source.on("data", this.#onData);
    source.once("end", () => this.emit("end"));
    source.pause();
  }

  override _read(): void {}

  override pause(): this {
    this.#source.pause();
    return this;
  }

  override resume(): this {
    this.#source.resume();
    return this;
  }

  /** For `node:readline`, and between two lines: keys come one by one, or make signals and are shown by the system. */
  setRawMode(raw: boolean): this {
    this.#source.setRawMode(raw);
    return this;
  }

  /** Lets go of the terminal. */
  close(): void {
    this.#source.off("data", this.#onData);
    this.#source.pause();
  }
}
