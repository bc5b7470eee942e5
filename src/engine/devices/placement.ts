import { loadedBackend } from "../../language/device.ts";
import {
  chooseLanguage,
  chooseVision,
  describeChoice,
  judgeFor,
  type ChosenDevices,
  type ChooseOptions,
  type LanguageCandidate,
  type VisionCandidate,
} from "./choose.ts";
import type { Chosen, FailedCandidate } from "./first-sound.ts";
import type { Candidate, Judge } from "./judge.ts";
import { reasonOf } from "./reason.ts";

/**
 * Where the parts of one model are loaded. What does not load where it was proved to work is loaded on the next device; the verdict
 * that was kept is then no longer believed.
 */
export class Placement {
  readonly #options: ChooseOptions;
  readonly #judge: Judge | undefined;
  #vision: Chosen<VisionCandidate>;
  #language: Chosen<LanguageCandidate>;

  private constructor(
    options: ChooseOptions,
    judge: Judge | undefined,
    vision: Chosen<VisionCandidate>,
    language: Chosen<LanguageCandidate>,
  ) {
    this.#options = options;
    this.#judge = judge;
    this.#vision = vision;
    this.#language = language;
  }

  /** @throws as `chooseDevices` */
  static async choose(options: ChooseOptions): Promise<Placement> {
    const judge = judgeFor(options);
    const vision = await chooseVision(options, judge);
    return new Placement(options, judge, vision, await chooseLanguage(options, judge));
  }

  /** What came of it, as it stands. */
  describe(): ChosenDevices & { readonly trials: number } {
    const chosen = describeChoice(this.#options, this.#vision, this.#language);
    return { ...chosen, trials: this.#judge?.trials ?? 0 };
  }

  /** @throws what `load` throws on the last device that is left */
  async loadVision<Part>(load: (candidate: VisionCandidate) => Promise<Part>): Promise<Part> {
    const { chosen, part } = await this.#loadFirst(this.#vision, load, async (failed) =>
      chooseVision({ ...this.#options, failed }, this.#judge),
    );
    this.#vision = chosen;
    return part;
  }

  /** @throws what `load` throws on the last device that is left */
  async loadLanguage<Part>(load: (candidate: LanguageCandidate) => Promise<Part>): Promise<Part> {
    const { chosen, part } = await this.#loadFirst(this.#language, load, async (failed) =>
      chooseLanguage({ ...this.#options, failed: [...failed, ...unreachable()] }, this.#judge),
    );
    this.#language = chosen;
    return part;
  }

  async #loadFirst<Each extends Candidate, Part>(
    first: Chosen<Each>,
    load: (candidate: Each) => Promise<Part>,
    chooseNext: (failed: readonly FailedCandidate[]) => Promise<Chosen<Each>>,
  ): Promise<{ readonly chosen: Chosen<Each>; readonly part: Part }> {
    const failed: FailedCandidate[] = [];
    let chosen = first;
    for (;;) {
      const { candidate } = chosen;
      try {
        const part = await load(candidate);
        // where nothing had loaded, the model's files would be at fault, and no device
        for (const each of failed) await this.#judge?.distrust(each.candidate, each.reason);
        return { chosen, part };
      } catch (error) {
        if (this.#judge === undefined || candidate.device === "cpu") throw error;
        failed.push({ candidate, reason: reasonOf(error) });
        // a device that was named and is sound in no form: what happened says more than that
        chosen = await chooseNext(failed).catch(() => {
          throw error;
        });
      }
    }
  }
}

/** A process holds one build of llama.cpp; each computes on the CPU, too. */
function unreachable(): FailedCandidate[] {
  const loaded = loadedBackend();
  if (loaded === undefined) return [];
  return (["cuda", "vulkan", "metal"] as const).map((device) => ({
    candidate: { side: "language", device },
    reason: `llama.cpp is loaded for ${loaded}`,
    remarkable: false,
  }));
}
