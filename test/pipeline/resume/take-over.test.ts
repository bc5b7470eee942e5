import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import type { Job, Question } from "../../../src/pipeline/job.ts";
import type { Format } from "../../../src/pipeline/printers/printer.ts";
import { printerOf } from "../../../src/pipeline/printers/printers.ts";
import { Contents } from "../../../src/pipeline/resume/content.ts";
import type { Settings } from "../../../src/pipeline/resume/settings.ts";
import { Stamps } from "../../../src/pipeline/resume/stamps.ts";
import { takeOver } from "../../../src/pipeline/resume/take-over.ts";
import { answeredOutcome, failedOutcome } from "../outcomes.ts";

const SETTINGS: Settings = { model: "demo", revision: "1", quant: "f16", vision: "fp32", max_tokens: 512 };
const BROKEN = new FlashSlothError("image-invalid", "broken");

let folder = "";
let path = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-resume-"));
  path = join(folder, "out");
});
afterAll(async () => rm(folder, { recursive: true }));

function printer(format: Format): ReturnType<typeof printerOf> {
  return printerOf({ format, parts: { image: true, question: true }, file: path });
}

function jobOf(name: string, questions: readonly Question[] = [{ text: "Why?" }]): Job {
  const label = join(folder, name);
  return { label, input: label, questions };
}

/** The row of a job's answer to its first question, or of its failure. */
async function row(format: Format, job: Job, { text = "Red.", failed = false } = {}): Promise<string> {
  const [question = { text: "" }] = job.questions;
  const parts = { job, question: question.text, text };
  const outcome = failed ? failedOutcome(BROKEN, parts) : answeredOutcome(parts);
  const stamp = await new Stamps(new Contents(), SETTINGS).of({ ...outcome, question });
  return printer(format).print(outcome, { stamp });
}

/** Which of the jobs' first questions need not be asked. */
async function done(
  jobs: readonly Job[],
  options: { format?: Format; settings?: Settings; force?: boolean } = {},
): Promise<boolean[]> {
  const { format = "jsonl", settings = SETTINGS, force } = options;
  const ledger = await takeOver({ path, printer: printer(format), settings, force });
  const contents = new Contents();
  const taken: boolean[] = [];
  for (const job of jobs) {
    const [question = { text: "" }] = job.questions;
    taken.push(await ledger.take(job, question, contents.of(job)));
  }
  return taken;
}

async function pictures(...names: readonly string[]): Promise<Job[]> {
  for (const name of names) await writeFile(join(folder, name), `the bytes of ${name}`);
  return names.map((name) => jobOf(name));
}

describe("a file that was cut off", () => {
  it.each(["jsonl", "csv", "llava", "openai"] as const)(
    "at any byte of its last two rows keeps its whole rows, in %s",
    async (format) => {
      const jobs = await pictures("a", "b", "c");
      const rows = await Promise.all(
        jobs.map(async (job) => row(format, job, { text: 'Red, "or"\ngreen.\r\n=é' })),
      );
      const whole = Buffer.from((printer(format).header ?? "") + rows.join(""));
      const ends = rows.map((_, index) => whole.length - Buffer.byteLength(rows.slice(index + 1).join("")));
      const [firstEnd = 0] = ends;
      for (let cut = firstEnd; cut <= whole.length; cut++) {
        await writeFile(path, whole.subarray(0, cut));
        const expected = ends.map((end) => end <= cut);
        expect(await done(jobs, { format }), `cut at ${cut}`).toEqual(expected);
        const kept = ends.findLast((end) => end <= cut);
        expect((await stat(path)).size).toBe(kept);
      }
    },
  );

  it("in the midst of its header is begun anew", async () => {
    const jobs = await pictures("a");
    const header = printer("csv").header ?? "";
    await writeFile(path, header.slice(0, 7));
    expect(await done(jobs, { format: "csv" })).toEqual([false]);
    expect(await readFile(path, "utf8")).toBe("");
  });
});

describe("rows of an earlier run", () => {
  it("that failed go, and are asked again; the file stays as readable as it was", async () => {
    const jobs = await pictures("a", "b", "c");
    const [a, b, c] = jobs;
    if (a === undefined || b === undefined || c === undefined) throw new Error("no jobs");
    const kept = [await row("jsonl", a), await row("jsonl", c)];
    await writeFile(path, kept.join(await row("jsonl", b, { failed: true })));
    await chmod(path, 0o640);
    expect(await done(jobs)).toEqual([true, false, true]);
    expect(await readFile(path, "utf8")).toBe(kept.join(""));
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("answer for as many questions as they are", async () => {
    const [a] = await pictures("a");
    if (a === undefined) throw new Error("no job");
    await writeFile(path, await row("jsonl", a));
    expect(await done([a, a])).toEqual([true, false]);
  });

  it("are about the bytes, whatever becomes of the file's time or name", async () => {
    const jobs = await pictures("a", "b", "c");
    await writeFile(path, (await Promise.all(jobs.map(async (job) => row("jsonl", job)))).join(""));
    await writeFile(join(folder, "a"), "the bytes of a"); // a new time, the same bytes
    await writeFile(join(folder, "b"), "other bytes");
    await rm(join(folder, "c"));
    await writeFile(join(folder, "moved"), "the bytes of c");
    await writeFile(join(folder, "copy"), "the bytes of a"); // where it came from is still there
    expect(await done(["copy", "a", "b", "moved"].map((name) => jobOf(name)))).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it("are about one question, under its id and what is set for it alone", async () => {
    await pictures("a");
    const written = jobOf("a", [{ text: "Why?", id: "1", ask: { maxTokens: 3 } }]);
    const answered = await row("jsonl", written);
    await writeFile(path, `${JSON.stringify({ id: "1", ...(JSON.parse(answered) as object) })}\n`);
    const others = [
      { text: "Who?", id: "1", ask: { maxTokens: 3 } },
      { text: "Why?", id: "2", ask: { maxTokens: 3 } },
      { text: "Why?", id: "1", ask: { maxTokens: 4 } },
      { text: "Why?", id: "1" },
    ];
    expect(await done(others.map((question) => jobOf("a", [question])))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(await done([written])).toEqual([true]);
  });

  it("may have been gathered from several files", async () => {
    const jobs = await pictures("a", "b");
    const header = printer("csv").header ?? "";
    const rows = await Promise.all(jobs.map(async (job) => header + (await row("csv", job))));
    await writeFile(path, rows.join(""));
    expect(await done(jobs, { format: "csv" })).toEqual([true, true]);
    expect(await readFile(path, "utf8")).toBe(rows.join("").replace(`\n${header}`, "\n"));
  });
});

describe("refused, unless forced,", () => {
  it("are answers that were given with other options, and both are said", async () => {
    const [a] = await pictures("a");
    if (a === undefined) throw new Error("no job");
    const text = await row("jsonl", a);
    await writeFile(path, `${text}{"torn`);
    const settings = { ...SETTINGS, max_tokens: 64, temperature: 0.5 };
    await expect(done([a], { settings })).rejects.toMatchObject({
      code: "usage",
      message:
        `the answers in ${path} were given with other options: ` +
        "max_tokens: 512 there, 64 here; temperature: not set there, 0.5 here",
    });
    expect(await readFile(path, "utf8")).toBe(`${text}{"torn`); // not touched
    expect(await done([a], { settings, force: true })).toEqual([true]);
  });

  it("are lines that are none of ours, which force leaves out", async () => {
    const [a] = await pictures("a");
    if (a === undefined) throw new Error("no job");
    const text = await row("jsonl", a);
    await writeFile(path, `${text}nonsense\n${text}`);
    await expect(done([a])).rejects.toMatchObject({ message: `line 2 of ${path} is no answer in this form` });
    expect(await done([a], { force: true })).toEqual([true]);
    expect(await readFile(path, "utf8")).toBe(text + text);
  });

  it("are answers that do not say how they were given, which force takes as they are", async () => {
    const [a] = await pictures("a");
    if (a === undefined) throw new Error("no job");
    await writeFile(path, printer("jsonl").print(answeredOutcome({ job: a }), {}));
    await expect(done([a])).rejects.toMatchObject({
      message: `line 1 of ${path} does not say how its answer was given`,
    });
    expect(await done([a], { force: true })).toEqual([true]);
  });

  it("is a form that does not say what answers are about, forced or not", async () => {
    await writeFile(path, "");
    await expect(done([], { format: "hf", force: true })).rejects.toMatchObject({ code: "usage" });
  });
});
