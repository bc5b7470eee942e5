import { beginEngine } from "../engine/client.ts";
import { PRESENCE_CHOICES, presenceProbability, presenceQuestion } from "../pipeline/presence.ts";
import { resolveModel } from "../store/resolve.ts";
import { openJobs } from "./ask/jobs.ts";
import { askRequest } from "./ask/request.ts";
import type { Report } from "./ask/report.ts";
import { runAsk } from "./ask.ts";
import type { GrepFlags } from "./commands/grep.ts";
import { statusOfSearch } from "./exit.ts";
import { matchWriter, type Match, type MatchForm } from "./match-writer.ts";
import { outcomesOf } from "./many/outcomes.ts";
import { Remarks } from "./many/remarks.ts";
import { runCommand } from "./run-command.ts";
import { RunProgress } from "./many/run-progress.ts";

/** `grep`: asks about each picture whether it shows something, and prints those that do. */
export async function grep(what: string, paths: readonly string[], flags: GrepFlags): Promise<void> {
  const { null: _ended, ...shared } = flags; // what is printed ends so, not what is read
  const request = await askRequest(paths, {
    ...shared,
    question: [presenceQuestion(what)],
    choice: PRESENCE_CHOICES,
    maxTokens: 1,
    temperature: 0,
    topP: 1,
    seed: 0,
    embq: true,
  });
  const { threshold, invertMatch: invert = false } = flags;
  const form = formOf(flags);
  await runCommand({ flags }, async ({ terminal, interrupts, output }) =>
    runAsk(request, {
      terminal,
      interrupts,
      gatherPictures: openJobs,
      openOutput: async () => output,
      resolveModel,
      beginEngine,
      report: async (run) => search(run, { threshold, invert, form }),
    }),
  );
}

interface Search {
  /** the least probability of yes */
  readonly threshold: number;
  /** Those that do not match are looked for. */
  readonly invert: boolean;
  readonly form: MatchForm;
}

/** @returns the exit status */
async function search(run: Report, { threshold, invert, form }: Search): Promise<number> {
  const { request, jobs, output, terminal } = run;
  const { questions, timeoutMs } = request;
  const writer = matchWriter(form, output);
  const remarks = new Remarks({ terminal, questions, timeoutMs });
  const counts = { matches: 0, failed: 0 };
  const progress = new RunProgress({ terminal });
  const outcomes = outcomesOf(run, { jobs: progress.follow(jobs), progress });
  for await (const outcome of outcomes) {
    terminal.clear();
    if ("error" in outcome) {
      counts.failed++;
      remarks.explain(outcome);
    } else {
      const { record } = outcome;
      const match: Match = { record, probability: presenceProbability(record) };
      if (match.probability >= threshold !== invert) {
        counts.matches++;
        await writer.write(match);
        if (form === "nothing") return statusOfSearch({ ...counts, failed: 0 });
      }
    }
    progress.took(outcome);
    progress.show();
  }
  await writer.end({ invert });
  return statusOfSearch(counts);
}

function formOf({ silent, count, json, null: nul, sort }: GrepFlags): MatchForm {
  if (silent === true) return "nothing";
  if (count === true) return "count";
  const line = json === true ? "json" : nul === true ? "nul" : "name";
  return { line, sorted: sort === true };
}
