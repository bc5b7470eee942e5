import type { Answers } from "../../eval/answers.ts";
import type { Job } from "../../pipeline/job.ts";
import type { Report } from "../ask/report.ts";
import { summaryLine } from "../many/counts.ts";
import { statusOfRun } from "../exit.ts";
import { outcomesOf } from "../many/outcomes.ts";
import { Remarks } from "../many/remarks.ts";
import { RunProgress } from "../many/run-progress.ts";

/** Asks every sample, and notes what is said; in the file too, where there is one. @returns the exit status */
export async function askSamples(run: Report, answers: Answers): Promise<number> {
  const { request, jobs, terminal, counts, writer, stamps } = run;
  const remarks = new Remarks({ terminal, questions: [] });
  const progress = new RunProgress({ terminal, skipped: run.skippedPictures });
  const outcomes = outcomesOf(run, { jobs: begun(progress.follow(jobs), stamps), progress });
  const toFile = request.answers.output !== undefined;
  try {
    for await (const outcome of outcomes) {
      terminal.clear();
      if (toFile) await writer.write(outcome, { stamp: await stamps?.of(outcome) });
      answers.addOutcome(outcome);
      counts.add(outcome);
      // an answer that reached the longest length is as long as the protocol lets it be: no news
      if ("error" in outcome) remarks.explain(outcome);
      progress.took(outcome);
      counts.pictures = progress.through;
      progress.show();
    }
  } finally {
    terminal.clear();
    if (counts.answered + counts.failed + counts.skipped > 0) {
      terminal.note(summaryLine(counts, (performance.now() - run.waitingSince) / 1000));
    }
  }
  return statusOfRun(counts);
}

async function* begun(jobs: AsyncIterable<Job>, stamps: Report["stamps"]): AsyncGenerator<Job, void, void> {
  for await (const job of jobs) {
    stamps?.begin(job);
    yield job;
  }
}
