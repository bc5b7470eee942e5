import { StopText } from "./stop-text.ts";

export interface TextStreamOptions {
  /** Strings before which the answer ends, none of them empty. @default none */
  readonly stop?: readonly string[] | undefined;
}

/**
 * Turns the bytes of generated tokens into text as they come. A character split over tokens is held back until
 * it is whole, and so is what may be the beginning of a stop; white space around the answer is dropped, so that the pieces
 * joined are exactly the answer.
 */
export class TextStream {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #stop: StopText;
  #text = "";
  /** Something that is no white space has come. */
  #begun = false;
  /** white space that is only part of the answer if something follows it */
  #held = "";

  constructor({ stop = [] }: TextStreamOptions = {}) {
    this.#stop = new StopText(stop);
  }

  /** What has been said so far. */
  get text(): string {
    return this.#text;
  }

  /** Whether a stop has ended it. */
  get stopped(): boolean {
    return this.#stop.stopped;
  }

  /** The text that `bytes` completes, perhaps none. */
  push(bytes: Uint8Array): string {
    return this.#emit(this.#stop.push(this.#begin(this.#decoder.decode(bytes, { stream: true }))));
  }

  /** The rest: a character that was never finished becomes U+FFFD. */
  end(): string {
    return this.#emit(this.#stop.push(this.#begin(this.#decoder.decode())) + this.#stop.end());
  }

  /** Leaves out white space before the answer. */
  #begin(decoded: string): string {
    const text = this.#begun ? decoded : decoded.trimStart();
    this.#begun ||= text !== "";
    return text;
  }

  /** Holds white space back that the answer may end with. */
  #emit(text: string): string {
    const pending = this.#held + text;
    const piece = pending.trimEnd();
    this.#held = pending.slice(piece.length);
    this.#text += piece;
    return piece;
  }
}
