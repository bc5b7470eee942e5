/**
 * Turns the bytes of generated tokens into text as they come. A character split over tokens is held back until
 * it is whole; white space around the answer is dropped, so that the pieces joined are exactly the answer.
 */
export class TextStream {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #text = "";
  /** white space that is only part of the answer if something follows it */
  #held = "";

  /** What has been said so far. */
  get text(): string {
    return this.#text;
  }

  /** The text that `bytes` completes, perhaps none. */
  push(bytes: Uint8Array): string {
    return this.#emit(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The rest: a character that was never finished becomes U+FFFD. */
  end(): string {
    return this.#emit(this.#decoder.decode());
  }

  #emit(decoded: string): string {
    const pending = this.#held + decoded;
    const trimmed = pending.trimEnd();
    this.#held = pending.slice(trimmed.length);
    const piece = this.#text === "" ? trimmed.trimStart() : trimmed;
    if (this.#text === "" && piece === "") this.#held = "";
    this.#text += piece;
    return piece;
  }
}
