import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { Job } from "../../src/pipeline/job.ts";
import type { Outcome } from "../../src/pipeline/outcome.ts";
import { BEFORE_READY, paceOf } from "../../src/pipeline/bounds/pace.ts";
import { answers } from "../../src/pipeline/run.ts";
import { pause, randomNumbers, UnsteadyEngine } from "./unsteady-engine.ts";

const SCHEDULES = 3000;
const TORN = new Error("torn list");

/** How one run goes, all of it drawn from one seed. */
class Schedule {
  readonly random: () => number;
  readonly parallel: number;
  readonly ordered: boolean;
  readonly longest: number;
  readonly jobs: readonly Job[];
  /** what ends the run before its time, and after how many outcomes */
  readonly end: "not" | "finish" | "stop" | "leave" | "source";
  readonly endAfter: number;
  readonly engine: UnsteadyEngine;
  readonly finish = new AbortController();
  readonly stop = new AbortController();
  readonly outcomes: Outcome[] = [];
  readonly #all: readonly string[];
  /** outcomes that the reader is done with */
  #taken = 0;

  constructor(seed: number) {
    const random = randomNumbers(seed);
    const pick = <T>(...choices: readonly [T, ...T[]]): T =>
      choices[Math.floor(random() * choices.length)] ?? choices[0];
    this.random = random;
    this.parallel = pick(1, 1, 2, 3, 8);
    this.ordered = pick(true, false);
    this.longest = pick(2, 8, 30);
    this.jobs = Array.from({ length: Math.floor(random() * 14) }, (_, index) =>
      randomJob(index, pick(0, 1, 1, 1, 2, 3, 12), random() < 0.15),
    );
    this.end = pick("not", "not", "finish", "stop", "leave", "source");
    const failing = pick(0, 0, 0.1, 0.5);
    this.#all = this.jobs.flatMap(({ questions }) => questions.map(({ text }) => text));
    this.endAfter = Math.floor(random() * this.#all.length);
    const { parallel, longest } = this;
    const window = Math.max(BEFORE_READY.window, paceOf(parallel).window);
    const onAsk = (question: string): void => {
      const beyond = this.#all.indexOf(question) - this.#taken;
      if (beyond >= window) this.engine.mistakes.push(`${question} is ${beyond} beyond what was taken`);
    };
    this.engine = new UnsteadyEngine({ random, parallel, failing, longest, onAsk });
  }

  async run(): Promise<void> {
    const { finish, stop, engine, ordered, random } = this;
    const options = { model: "demo", ask: {}, finish: finish.signal, stop: stop.signal, ordered };
    const opened = async (): Promise<UnsteadyEngine> => {
      await pause(random, 9);
      return engine;
    };
    const running = answers({ ...options, jobs: this.#give(), engine: opened });
    // a signal comes at any time, not only between two outcomes
    if (random() < 0.5) void pause(random, 40).then(() => this.#signal());
    for await (const outcome of running) {
      this.outcomes.push(outcome);
      await pause(random, 6);
      this.#taken++;
      if (this.outcomes.length < this.endAfter) continue;
      if (this.end === "leave") break;
      this.#signal();
    }
  }

  #signal(): void {
    if (this.end === "finish") this.finish.abort();
    if (this.end === "stop") this.stop.abort();
  }

  async *#give(): AsyncGenerator<Job, void, void> {
    for (const job of this.jobs) {
      await pause(this.random, this.longest);
      yield job;
    }
    if (this.end === "source") throw TORN;
  }
}

function randomJob(index: number, questions: number, bad: boolean): Job {
  const label = `${index}.png`;
  const asked = Array.from({ length: questions }, (_, question) => ({ text: `${index}/${question}` }));
  if (!bad) return { label, input: label, questions: asked };
  return { label, error: new FlashSlothError("image-not-found", "not there"), questions: asked };
}

/** `job/question` of every outcome, as it came. */
function told(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ record }) => record.question);
}

/** What must be true of any run, once it is over. */
function check(schedule: Schedule, name: string): void {
  const { engine, outcomes, parallel, ordered, end, jobs } = schedule;
  const all = jobs.flatMap(({ questions }) => questions.map(({ text }) => text));
  const seen = told(outcomes);
  expect(new Set(seen).size, `${name}: no outcome comes twice`).toBe(seen.length);
  expect(engine.mistakes, name).toEqual([]);
  expect([...engine.held], `${name}: every picture is released`).toEqual([]);
  expect({ encode: engine.now.encode, ask: engine.now.ask }, name).toEqual({ encode: 0, ask: 0 });
  // of 20 ms each
  expect(engine.most.encode, name).toBeLessThanOrEqual(2);
  expect(engine.most.ask, name).toBeLessThanOrEqual(Math.max(2, paceOf(parallel).places));
  expect(engine.most.prepare, name).toBeLessThanOrEqual(paceOf(parallel).ahead);
  const places = seen.map((question) => all.indexOf(question));
  if (ordered) expect(places, `${name}: in order`).toEqual(places.toSorted((a, b) => a - b));
  const codes = outcomes.map((outcome) => ("error" in outcome ? outcome.error.code : ""));
  expect(codes, `${name}: nothing that was stopped is reported`).not.toContain("interrupted");
  if (end === "not" || end === "source") expect(seen.toSorted(), name).toEqual(all.toSorted());
  if (end !== "stop" && end !== "leave") {
    expect(outcomes.filter(({ record }) => "answer" in record).length, name).toBe(engine.answered);
  }
}

/** Runs a schedule to its end. @returns what it failed of */
async function outcomeOf(schedule: Schedule): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const hanging = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("it hangs"), 5000);
  });
  const running = schedule.run().then(
    () => undefined,
    (error: unknown) => error,
  );
  const failure = await Promise.race([running, hanging]);
  clearTimeout(timer);
  return failure;
}

describe("any schedule", () => {
  it("gives each question one outcome, keeps the bounds, and leaves nothing in the engine", async () => {
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const schedule = new Schedule(seed);
      const failure = await outcomeOf(schedule);
      expect(failure, `schedule ${seed}`).toBe(schedule.end === "source" ? TORN : undefined);
      check(schedule, `schedule ${seed}`);
    }
  });
});
