import type { Job } from "../../pipeline/job.ts";
import type { Outcome } from "../../pipeline/outcome.ts";
import { answers } from "../../pipeline/run.ts";
import type { Report } from "../ask/report.ts";
import { keepNurserySmall } from "../nursery.ts";
import type { RunProgress } from "./run-progress.ts";

export interface OutcomesOptions {
  /** what is done about the run's jobs */
  readonly jobs: AsyncIterable<Job>;
  /** begins when the engine is there */
  readonly progress: RunProgress;
  /** New text of an answer. @default nobody reads it */
  readonly onText?: ((piece: string) => void) | undefined;
}

/** Asks what a run asks about its pictures. @throws as `answers` */
export function outcomesOf(run: Report, options: OutcomesOptions): AsyncGenerator<Outcome, void, void> {
  const { request, output, interrupts, engine, waitingSince, model } = run;
  const { jobs, progress, onText } = options;
  engine
    .then(async (handle) => handle.ready())
    .then(
      () => {
        keepNurserySmall();
        progress.begin();
      },
      () => {}, // told where the first picture needs it
    );
  return answers({
    jobs,
    engine: async () => engine,
    waitingSince,
    model,
    ask: request.ask,
    ordered: request.ordered,
    timeoutMs: request.timeoutMs,
    onText,
    finish: interrupts.signal,
    stop: output.closed,
  });
}
