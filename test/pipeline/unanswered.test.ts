import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { Job, JobSource } from "../../src/pipeline/job.ts";
import { Contents } from "../../src/pipeline/resume/content.ts";
import { Ledger } from "../../src/pipeline/resume/ledger.ts";
import { Sidecars } from "../../src/pipeline/sidecars.ts";
import { Unanswered } from "../../src/pipeline/unanswered.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-unanswered-"));
});
afterAll(async () => rm(folder, { recursive: true }));

function jobOf(name: string, ...questions: readonly string[]): Job {
  const label = join(folder, name);
  return { label, input: label, questions: questions.map((text) => ({ text })) };
}

interface Left {
  /** what is asked, `picture question` each, and what the pictures that have none failed of */
  readonly asked: string[];
  readonly skipped: { readonly questions: number; readonly whole: boolean }[];
}

async function left(jobs: readonly Job[], done: { ledger?: Ledger; sidecars?: Sidecars }): Promise<Left> {
  const source: JobSource = { total: jobs.length, [Symbol.asyncIterator]: () => values(jobs) };
  const skipped: Left["skipped"] = [];
  const onSkipped = (some: Left["skipped"][number]): void => void skipped.push(some);
  const rest = new Unanswered({ jobs: source, contents: new Contents(), ...done, onSkipped });
  expect(rest.total).toBe(jobs.length);
  const asked: string[] = [];
  for await (const job of rest) {
    const name = job.label.slice(folder.length + 1);
    if ("error" in job) asked.push(`${name} ${job.error.code}`);
    else asked.push(...job.questions.map(({ text }) => `${name} ${text}`));
  }
  return { asked, skipped };
}

async function* values(jobs: readonly Job[]): AsyncGenerator<Job, void, void> {
  yield* jobs;
}

/** The answers of an earlier run, `picture question` each. */
function ledgerOf(...answered: readonly (readonly [string, string])[]): Ledger {
  const ledger = new Ledger();
  for (const [name, question] of answered) {
    ledger.add({ image: join(folder, name), question, failed: false });
  }
  return ledger;
}

describe("what is left to be asked", () => {
  it("is each question that no earlier run answered, and every picture that there is none of", async () => {
    const bad: Job = {
      label: join(folder, "x"),
      error: new FlashSlothError("image-not-found", "gone"),
      questions: [{ text: "q" }],
    };
    const jobs = [jobOf("a", "q", "r"), jobOf("b", "q", "r"), bad, jobOf("c", "q", "r")];
    const ledger = ledgerOf(["a", "r"], ["b", "q"], ["b", "r"], ["x", "q"]);
    expect(await left(jobs, { ledger })).toEqual({
      asked: ["a q", "x image-not-found", "c q", "c r"],
      skipped: [
        { questions: 1, whole: false },
        { questions: 2, whole: true },
      ],
    });
  });

  it("is what is not in every place where answers go", async () => {
    await writeFile(join(folder, "both.txt"), "");
    await writeFile(join(folder, "beside.txt"), "");
    const jobs = ["both.png", "beside.png", "file.png"].map((name) => jobOf(name, "q"));
    const ledger = ledgerOf(["both.png", "q"], ["file.png", "q"]);
    const { asked } = await left(jobs, { ledger, sidecars: new Sidecars({ extension: ".txt" }) });
    expect(asked).toEqual(["beside.png q", "file.png q"]);
  });

  it("has a failure for what has no place beside its picture", async () => {
    const sidecars = new Sidecars({ extension: ".txt" });
    const { asked } = await left([jobOf("one.png", "q"), jobOf("one.jpg", "q")], { sidecars });
    expect(asked).toEqual(["one.png q", "one.jpg usage"]);
  });
});
