import type { ServerResponse } from "node:http";

/** The requests whose responses are not sent yet. */
export class OpenRequests {
  #count = 0;
  #idle = (): void => {};

  get count(): number {
    return this.#count;
  }

  add(response: ServerResponse): void {
    this.#count++;
    response.once("close", () => {
      if (--this.#count === 0) this.#idle();
    });
  }

  /** Resolves when there are none. */
  async none(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }
}
