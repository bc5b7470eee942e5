import { setMaxListeners } from "node:events";
import { asFlashSlothError, type FlashSlothError } from "../core/errors.ts";
import type { EngineHandle } from "../engine/api.ts";
import type { PlaceAhead, Prepared } from "./bounds/ahead.ts";
import { Bounds } from "./bounds/bounds.ts";
import { Line } from "./bounds/line.ts";
import type { Window } from "./bounds/window.ts";
import type { Job, PictureJob } from "./job.ts";
import { pictureFailure, type Outcome } from "./outcome.ts";
import { lookAndAsk } from "./picture.ts";
import type { Asking, QuestionsOptions } from "./questions.ts";
import { SharedPictures } from "../engine/shared-pictures.ts";
import { JobReader } from "./sources/reader.ts";

export interface AnswersOptions extends QuestionsOptions {
  /** Taken one by one, a few ahead of the answers. */
  readonly jobs: AsyncIterable<Job>;
  /** Called when the first picture needs the engine. */
  readonly engine: () => Promise<EngineHandle>;
  /** False gives the outcomes as they come. @default true: in the order of the jobs and of their questions */
  readonly ordered?: boolean | undefined;
  /** When the run began to wait for models, on the clock of `now`. @default the first call */
  readonly waitingSince?: number | undefined;
  /** Aborting begins no further job and no further question; what is in the engine is finished. @default none */
  readonly finish?: AbortSignal | undefined;
  /** Aborting also stops what is in the engine, which is then not reported. @default none */
  readonly stop?: AbortSignal | undefined;
  /** Milliseconds of a monotonic clock. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Asks every question of each job about its picture, which is encoded once: an outcome for each. A failed picture does not
 * stop the others. The engine has as many questions as it works on at once, the next pictures get ready meanwhile, and no
 * outcome waits for a further job. An engine that works on one question at a time is asked the next one when the answer to
 * the last was taken.
 * @throws what `engine` or its `ready` rejects with: without an engine there are no answers; what `jobs` throws, behind the
 *   outcomes of the jobs before
 */
export async function* answers(options: AnswersOptions): AsyncGenerator<Outcome, void, void> {
  const run = new Run(options);
  try {
    run.begin();
    for (;;) {
      const outcome = await run.window.next();
      if (outcome === undefined) return;
      yield outcome;
      run.window.took();
    }
  } finally {
    await run.close();
  }
}

/** What happens in one call of `answers`: how jobs begin, and how all of it ends. */
class Run {
  readonly #options: AnswersOptions;
  readonly #now: () => number;
  readonly #waitingSince: number;
  readonly #reader: JobReader;
  readonly #bounds: Bounds<Outcome>;
  /** aborted when nobody wants to hear of what is in the engine */
  readonly #unwanted = new AbortController();
  /** aborted when nothing further begins */
  readonly #preparing = new AbortController();
  #asking: Promise<Asking> | undefined;
  #pictures: SharedPictures | undefined;
  /** jobs that were read and are not through, and how many of them are in the engine */
  #open = 0;
  #inEngine = 0;
  /** whoever waits for the engine to be empty */
  readonly #leaving = new Line();
  /** Nothing further begins. */
  #ending = false;

  constructor(options: AnswersOptions) {
    const { jobs, ordered = true, now = () => performance.now() } = options;
    this.#options = options;
    this.#now = now;
    this.#waitingSince = options.waitingSince ?? now();
    this.#reader = new JobReader(jobs);
    this.#bounds = new Bounds({ ordered, now });
    // every question in the engine listens, and every picture that is fetched
    setMaxListeners(0, this.#unwanted.signal, this.#preparing.signal);
  }

  /** where the outcomes come out */
  get window(): Window<Outcome> {
    return this.#bounds.window;
  }

  begin(): void {
    const { finish, stop } = this.#options;
    finish?.addEventListener("abort", this.#end);
    stop?.addEventListener("abort", this.#stop);
    if (finish?.aborted === true || stop?.aborted === true) this.#end();
    else this.#readJobs().catch(this.#fail);
  }

  /** Leaves nothing behind, wherever the run stands. */
  async close(): Promise<void> {
    const { finish, stop } = this.#options;
    finish?.removeEventListener("abort", this.#end);
    stop?.removeEventListener("abort", this.#stop);
    this.#stop();
    await this.#leaving.wait(() => this.#inEngine === 0);
    await this.#pictures?.close().catch(() => {});
    await this.#reader.close();
  }

  async #readJobs(): Promise<void> {
    let position = 0;
    let place: PlaceAhead | undefined;
    while (await this.window.near(position)) {
      place ??= await this.#bounds.ahead.enter();
      const job = place && (await this.#reader.next());
      if (place === undefined || job === undefined || this.#ending) break;
      if ("error" in job) {
        this.#track(this.#reportFailure(job, position, job.error));
      } else if (job.questions.length > 0) {
        this.#track(this.#answer(job, position, place));
        place = undefined;
      }
      position += job.questions.length;
    }
    this.#endIfDone();
  }

  /** A picture gets ready, waits for its turn, and goes into the engine. */
  async #answer(job: PictureJob, first: number, place: PlaceAhead): Promise<void> {
    const asking = await (this.#asking ??= this.#openEngine());
    let prepared: Prepared;
    try {
      const { signal } = this.#preparing;
      prepared = await place.prepare(asking.engine, job.input, { name: job.label, signal });
    } catch (error) {
      const reason = this.#ending ? undefined : await asking.reasonOf(error);
      if (reason !== undefined) await this.#reportFailure(job, first, reason);
      place.leave();
      return;
    }
    if (!(await this.window.room(first)) || !(await this.#bounds.places.forPicture()) || this.#ending) return;
    place.leave();
    this.#inEngine++;
    try {
      await lookAndAsk(asking, { job, first, prepared });
    } finally {
      this.#inEngine--;
      this.#leaving.move();
    }
  }

  /** Reports in its turn that there is no picture. */
  async #reportFailure(job: Job, first: number, error: FlashSlothError): Promise<void> {
    if (!(await this.window.room(first))) return;
    this.window.put(first, pictureFailure(job, error, this.#options.model));
  }

  async #openEngine(): Promise<Asking> {
    const engine = await this.#options.engine();
    let load: number | undefined = Math.max(0, this.#now() - this.#waitingSince);
    engine.ready().then(
      ({ parallel }) => this.#bounds.setPace(parallel),
      () => {}, // told where something fails of it
    );
    return {
      options: this.#options,
      engine,
      pictures: (this.#pictures = new SharedPictures(engine)),
      places: this.#bounds.places,
      window: this.window,
      signal: this.#unwanted.signal,
      now: this.#now,
      claimLoad: () => {
        const claimed = load;
        load = undefined;
        return claimed;
      },
      reasonOf: async (error) => this.#reasonOf(error, engine),
    };
  }

  async #reasonOf(error: unknown, engine: EngineHandle): Promise<FlashSlothError | undefined> {
    if (this.#unwanted.signal.aborted) return undefined;
    try {
      await engine.ready();
    } catch (reason) {
      this.#fail(reason);
      return undefined;
    }
    return asFlashSlothError(error, "internal", "unexpected failure");
  }

  #track(work: Promise<void>): void {
    this.#open++;
    const through = (): void => {
      this.#open--;
      this.#endIfDone();
    };
    work.catch(this.#fail).then(through, through);
  }

  readonly #fail = (reason: unknown): void => {
    this.window.end({ reason });
    this.#stop();
  };

  readonly #stop = (): void => {
    this.#unwanted.abort();
    this.#end();
  };

  readonly #end = (): void => {
    this.#ending = true;
    this.#preparing.abort();
    this.#bounds.dismiss();
    this.#endIfDone();
  };

  #endIfDone(): void {
    const done = this.#ending ? this.#inEngine === 0 : this.#reader.ended && this.#open === 0;
    if (done) this.window.end(this.#reader.failure);
  }
}
