import { Line } from "./line.ts";

/**
 * The places in the engine: as many questions as it takes at once, so that it always has work and nothing piles up in it. A
 * picture comes in on the place of its first question, one at a time, and behind the questions of those that are in.
 */
export class Places {
  #size: number;
  #taken = 0;
  #encoding = false;
  readonly #pictures = new Line();
  readonly #questions = new Line();

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
      if (this.#encoding || !this.#take()) return false;
      this.#encoding = true;
      return true;
    });
  }

  /** The picture is encoded: another may come, and this one's place is its first question's. */
  encoded(): void {
    this.#encoding = false;
    this.#move();
  }

  /** A place for a further question. @returns false once dismissed */
  async forQuestion(): Promise<boolean> {
    return this.#questions.wait(() => this.#take());
  }

  leave(): void {
    this.#taken--;
    this.#move();
  }

  dismiss(): void {
    this.#pictures.dismiss();
    this.#questions.dismiss();
  }

  #take(): boolean {
    if (this.#taken >= this.#size) return false;
    this.#taken++;
    return true;
  }

  #move(): void {
    this.#questions.move(); // before further pictures
    this.#pictures.move();
  }
}
