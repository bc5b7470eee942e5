import { describe, expect, it } from "vitest";
import { RunProgress } from "../../../src/cli/many/run-progress.ts";
import { FlashSlothError } from "../../../src/core/errors.ts";
import type { Job } from "../../../src/pipeline/job.ts";
import { questionFailure } from "../../../src/pipeline/outcome.ts";
import { jobsOf } from "../../pipeline/fake-engine.ts";
import { answeredOutcome } from "../../pipeline/outcomes.ts";

interface Watched {
  readonly progress: RunProgress;
  readonly status: string[];
  readonly lines: string[];
  readonly pass: (ms: number) => void;
}

function watch(skipped = 0): Watched {
  let time = 0;
  const status: string[] = [];
  const lines: string[] = [];
  const terminal = {
    status: (text: string) => void status.push(text),
    step: (text: string) => void lines.push(text),
  };
  const progress = new RunProgress({ terminal, skipped: () => skipped, now: () => time });
  return { progress, status, lines, pass: (ms) => void (time += ms) };
}

/** The jobs of some pictures, all under way. */
async function follow(
  { progress }: Watched,
  labels: readonly string[],
  questions: readonly string[],
  total: number | undefined = labels.length,
): Promise<Job[]> {
  const jobs = jobsOf(
    labels.map((label) => ({ label, input: label })),
    questions,
  );
  const taken: Job[] = [];
  for await (const job of progress.follow(Object.assign(jobs, { total }))) taken.push(job);
  return taken;
}

/** Every question of a job is answered. */
function through(progress: RunProgress, job: Job | undefined): void {
  for (const { text } of job?.questions ?? []) {
    if (job !== undefined) progress.took(answeredOutcome({ job, question: text }));
    progress.show();
  }
}

describe("progress of a run", () => {
  it("names the one picture, and which of its questions is asked", async () => {
    const watched = watch();
    const [job] = await follow(watched, ["a"], ["q", "r"]);
    through(watched.progress, job);
    expect(watched.status).toEqual(["looking at a (question 1 of 2)", "looking at a (question 2 of 2)"]);
  });

  it("shows how many are done, how fast, how long it will take, and how many failed", async () => {
    const watched = watch();
    const { progress, status, pass } = watched;
    const [a, b, c] = await follow(watched, ["a", "b", "c", "d"], ["q"]);
    pass(5000); // loading
    progress.begin();
    pass(1000);
    through(progress, a);
    pass(1000);
    if (b !== undefined) {
      progress.took(questionFailure(b, { text: "q" }, new FlashSlothError("timeout", "slow"), "demo"));
    }
    progress.show();
    pass(2000);
    through(progress, c);
    expect(status).toEqual([
      "[--------------------] 0 of 4: a",
      "[#####---------------] 1 of 4: b",
      "[##########----------] 2 of 4, 1 pictures/s, 2 s left, 1 failed: c",
      "[###############-----] 3 of 4, 0.75 pictures/s, 2 s left, 1 failed: d",
    ]);
    expect(progress.through).toBe(3);
  });

  it("counts what earlier runs answered as done, but not as fast", async () => {
    const watched = watch(98);
    const [a] = await follow(watched, ["a", "b"], ["q"], 100);
    watched.pass(1000);
    through(watched.progress, a);
    expect(watched.status.at(-1)).toBe("[###################-] 99 of 100: b");
  });

  it("does without a total, and without a picture that has not come yet", async () => {
    const watched = watch();
    const jobs = watched.progress.follow(
      jobsOf(
        [
          { label: "a", input: "a" },
          { label: "b", input: "b" },
        ],
        ["q"],
      ),
    );
    const first = await jobs.next();
    if (first.done !== true) through(watched.progress, first.value);
    await jobs.next();
    watched.progress.show();
    expect(watched.status).toEqual(["0 done: a", "1 done", "1 done: b"]);
  });

  it("says so in a line every half minute", async () => {
    const watched = watch();
    const [a, b, c] = await follow(watched, ["a", "b", "c"], ["q"]);
    for (const job of [a, b, c]) {
      watched.pass(20_000);
      through(watched.progress, job);
    }
    expect(watched.lines).toEqual(["2 of 3, 0.05 pictures/s, 20 s left"]);
  });
});
