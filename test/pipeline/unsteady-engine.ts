import { setImmediate } from "node:timers/promises";
import { FlashSlothError } from "../../src/core/errors.ts";
import type {
  Answer,
  AskHooks,
  AskOptions,
  EncodedPicture,
  EncodePictureOptions,
  EngineInfo,
} from "../../src/engine/api.ts";
import { answer, FakeEngine, picture, PREPARED } from "./fake-engine.ts";

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Waits for nothing in particular, now and then for the event loop. */
export async function pause(random: () => number, longest: number): Promise<void> {
  for (let turns = Math.floor(random() * longest); turns > 0; turns--) {
    if (random() < 0.2) await setImmediate();
    else await Promise.resolve();
  }
}

export interface UnsteadyOptions {
  readonly random: () => number;
  readonly parallel: number;
  /** the share of calls that fail */
  readonly failing: number;
  /** turns of the event loop that a call takes at most */
  readonly longest: number;
  /** hears of each question */
  readonly onAsk: (question: string) => void;
}

/** A count for each kind of call. */
type Calls = Record<"prepare" | "encode" | "ask", number>;

/** An engine whose calls take any time and fail now and then, and which keeps books of what is in it. */
export class UnsteadyEngine extends FakeEngine {
  /** calls of each kind that are not over, and the most there were at once */
  readonly now: Calls = { prepare: 0, encode: 0, ask: 0 };
  readonly most: Calls = { prepare: 0, encode: 0, ask: 0 };
  /** encoded pictures that were not released */
  readonly held: Set<number> = new Set();
  readonly mistakes: string[] = [];
  /** questions that got a whole answer */
  answered = 0;
  isReady = false;
  readonly #options: UnsteadyOptions;
  #next = 1;

  constructor(options: UnsteadyOptions) {
    const { onAsk } = options;
    super({
      parallel: options.parallel,
      preparePicture: async () => this.#call("prepare", async () => PREPARED),
      encodePicture: async (_, asked) => this.#call("encode", async () => this.#encoded(asked)),
      ask: async (held, asked, hooks) => {
        onAsk(asked.question);
        return this.#call("ask", async () => this.#answered(held, asked, hooks));
      },
    });
    this.#options = options;
  }

  override async ready(): Promise<EngineInfo> {
    const { random, longest } = this.#options;
    if (!this.isReady) await pause(random, 5 * longest);
    this.isReady = true;
    return this.info;
  }

  override async release({ id }: EncodedPicture): Promise<void> {
    if (!this.held.delete(id)) this.mistakes.push(`picture ${id} is not there to be released`);
    await pause(this.#options.random, 3);
    if (this.#options.random() < 0.1) throw new FlashSlothError("internal", "release failed");
  }

  async #call<T>(kind: keyof Calls, result: () => Promise<T>): Promise<T> {
    const { random, longest, failing } = this.#options;
    this.most[kind] = Math.max(this.most[kind], ++this.now[kind]);
    try {
      await pause(random, longest);
      if (random() < failing) throw new FlashSlothError("internal", `${kind} failed`);
      return await result();
    } finally {
      this.now[kind]--;
    }
  }

  async #encoded(options: EncodePictureOptions | undefined): Promise<EncodedPicture> {
    // what comes too late to be stopped is done
    if (options?.signal?.aborted === true && this.#options.random() < 0.5) {
      throw new FlashSlothError("interrupted", "stopped");
    }
    const id = this.#next++;
    this.held.add(id);
    return picture(id);
  }

  async #answered({ id }: EncodedPicture, options: AskOptions, hooks: AskHooks | undefined): Promise<Answer> {
    if (!this.held.has(id)) this.mistakes.push(`picture ${id} is not there to be asked about`);
    if (hooks?.signal?.aborted === true) {
      if (this.#options.random() < 0.5) throw new FlashSlothError("interrupted", "stopped");
      return answer("", { finish: "interrupted" });
    }
    this.answered++;
    return answer(options.question);
  }
}
