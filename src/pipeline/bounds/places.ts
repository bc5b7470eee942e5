import { Line } from "./line.ts";

/** What is encoded holds up what is being answered: pictures that go in together take about so long, in milliseconds. */
const TOGETHER_MS = 50;
/** A run's first question has the engine to itself for so many pieces of text: a short answer does not wait for pictures. */
export const PIECES_ALONE = 16;

/**
 * The places in the engine: as many questions as it takes at once, so that it always has work and nothing piles up in it. A
 * picture comes in on the place of its first question, behind the questions of those that are in: one at a time, or several
 * where that takes next to no time, whose prompts are then computed in one batch.
 */
export class Places {
  #size: number;
  #taken = 0;
  /** pictures that are being encoded, a group that goes on to its questions together */
  #encoding = 0;
  /** the most in a group */
  #together = 1;
  /** One of the group is encoded: nobody joins it any longer. */
  #complete = false;
  /** pieces that the first question may say before others come in */
  #alone = PIECES_ALONE;
  readonly #pictures = new Line();
  readonly #questions = new Line();
  readonly #encoded = new Line();

  constructor(size: number) {
    this.#size = size;
  }

  get taken(): number {
    return this.#taken;
  }

  resize(size: number): void {
    this.#size = size;
    this.#move();
  }

  /** A place for a picture and its first question. @returns false once dismissed */
  async forPicture(): Promise<boolean> {
    return this.#pictures.wait(() => {
      if (this.#complete || this.#encoding >= this.#together || !this.#take()) return false;
      this.#encoding++;
      return true;
    });
  }

  /**
   * A picture is encoded, or could not be: its place is its first question's, once those are through that went in with it.
   * Then others may come.
   * @param ms that it took. @default as long as the last one
   */
  async encoded(ms?: number): Promise<void> {
    this.#encoding--;
    this.#complete = this.#encoding > 0;
    if (ms !== undefined) this.#together = Math.max(1, Math.floor(TOGETHER_MS / ms));
    const together = this.#encoded.wait(() => this.#encoding === 0);
    this.#move();
    await together;
  }

  /** A place for a further question. @returns false once dismissed */
  async forQuestion(): Promise<boolean> {
    return this.#questions.wait(() => this.#take());
  }

  /** What tells that a question goes on, for as long as anybody waits for that. */
  get said(): (() => void) | undefined {
    if (this.#alone === 0) return undefined;
    return () => {
      if (this.#alone > 0 && --this.#alone === 0) this.#move();
    };
  }

  leave(): void {
    this.#alone = 0;
    this.#taken--;
    this.#move();
  }

  dismiss(): void {
    this.#encoded.dismiss();
    this.#pictures.dismiss();
    this.#questions.dismiss();
  }

  #take(): boolean {
    if (this.#taken >= (this.#alone > 0 ? 1 : this.#size)) return false;
    this.#taken++;
    return true;
  }

  #move(): void {
    if (this.#encoding === 0) this.#encoded.move();
    this.#questions.move(); // before further pictures
    this.#pictures.move();
  }
}
