import { collectGarbage } from "../../core/garbage.ts";
import type { EngineHandle } from "../../engine/api.ts";
import type { Job, JobSource } from "../../pipeline/job.ts";
import type { Outcome } from "../../pipeline/outcome.ts";
import type { Format } from "../../pipeline/printers/printer.ts";
import type { Stamps } from "../../pipeline/resume/stamps.ts";
import type { Sidecars } from "../../pipeline/sidecars.ts";
import { benchStages, type BenchStages } from "../../pipeline/stages.ts";
import type { AnswerWriter } from "../answers/writer.ts";
import type { AskRequest } from "./request.ts";
import type { Explanations } from "../explain/explanations.ts";
import { summaryLine, type Counts } from "../many/counts.ts";
import type { Output } from "../answers/output.ts";
import { outcomesOf } from "../many/outcomes.ts";
import { Remarks } from "../many/remarks.ts";
import type { CommandContext } from "../run-command.ts";
import { RunProgress } from "../many/run-progress.ts";
import { stageTable } from "./stage-table.ts";

/** A run that is about to ask. */
export interface Report extends Pick<CommandContext, "terminal" | "interrupts"> {
  readonly request: AskRequest;
  readonly jobs: JobSource;
  readonly format: Format;
  readonly writer: AnswerWriter;
  readonly output: Output;
  readonly model: string;
  readonly engine: Promise<EngineHandle>;
  /** when the run began, and whether it began to wait for models then */
  readonly waitingSince: number;
  readonly counts: Counts;
  /** pictures of which nothing is left to be asked */
  readonly skippedPictures: () => number;
  /** What makes a later run know the answers again. @default they need not be known */
  readonly stamps?: Stamps | undefined;
  /** @default answers lie nowhere beside their pictures */
  readonly sidecars?: Sidecars | undefined;
  /** @default nobody wants to see where the model looked */
  readonly explanations?: Explanations | undefined;
}

/** Asks every question about every input, writes what comes of it, and says in the end what that was. */
export async function report(run: Report): Promise<void> {
  const { request, output, terminal, counts, writer, sidecars, explanations } = run;
  const { questions, timeoutMs } = request;
  const remarks = new Remarks({ terminal, questions, timeoutMs });
  const progress = new RunProgress({ terminal, skipped: run.skippedPictures });
  const jobs = explanations?.keeping(run.jobs) ?? run.jobs;
  const { onText } = writer;
  const outcomes = outcomesOf(run, {
    jobs: begun(progress.follow(jobs), run.stamps),
    progress,
    onText:
      onText &&
      ((piece) => {
        terminal.clear();
        onText(piece);
      }),
  });
  try {
    for await (const outcome of outcomes) {
      terminal.clear();
      const bench = request.bench ? await measure(outcome, run.engine) : undefined;
      const stamp = await run.stamps?.of(outcome);
      await sidecars?.write(outcome);
      const explained = await settled(explanations?.write(outcome));
      const explain = explained.value;
      await writer.write(outcome, { stamp, extra: { ...(explain && { explain }), ...(bench && { bench }) } });
      if ("failure" in explained) throw explained.failure; // the answer stands
      await explanations?.show(outcome, jobs.total === 1 ? undefined : remarks.subject(outcome));
      if (bench !== undefined && run.format !== "jsonl") {
        terminal.report(stageTable(remarks.subject(outcome), bench));
      }
      counts.add(outcome);
      remarks.explain(outcome);
      progress.took(outcome);
      counts.pictures = progress.through;
      if ("error" in outcome && request.answers.failFast) break;
      progress.show();
      collectGarbage();
    }
  } finally {
    terminal.clear();
    const told =
      !output.closed.aborted && counts.answered + counts.failed + counts.skipped > questions.length;
    if (told) {
      terminal.note(summaryLine(counts, (performance.now() - run.waitingSince) / 1000));
    }
  }
}

/** The same jobs; what their answers are known by is looked at while they are on their way. */
async function* begun(jobs: AsyncIterable<Job>, stamps: Stamps | undefined): AsyncGenerator<Job, void, void> {
  for await (const job of jobs) {
    stamps?.begin(job);
    yield job;
  }
}

/** What came of something, so that what is to be done in any case can be done before it is told. */
async function settled<T>(
  work: Promise<T> | undefined,
): Promise<{ readonly value?: T | undefined } | { readonly value?: undefined; readonly failure: unknown }> {
  const [result] = await Promise.allSettled([work]);
  return result.status === "fulfilled" ? { value: result.value } : { failure: result.reason };
}

async function measure(outcome: Outcome, engine: Promise<EngineHandle>): Promise<BenchStages | undefined> {
  if ("error" in outcome) return undefined;
  const { info } = await engine;
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  return benchStages({ ...outcome.measured, times: outcome.record.ms, info, peakMemoryBytes });
}
