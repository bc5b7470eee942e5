import { describe, expect, it } from "vitest";
import type { AskHooks, AskOptions } from "../../src/engine/api.ts";
import type { Job } from "../../src/pipeline/job.ts";
import type { Outcome } from "../../src/pipeline/outcome.ts";
import { paceOf } from "../../src/pipeline/bounds/pace.ts";
import { PIECES_ALONE } from "../../src/pipeline/bounds/places.ts";
import { answers, type AnswersOptions } from "../../src/pipeline/run.ts";
import { answer, FakeEngine, jobsOf, picture, PREPARED } from "./fake-engine.ts";

function names(count: number): { label: string; input: string }[] {
  return Array.from({ length: count }, (_, index) => ({ label: `${index}`, input: `${index}` }));
}

async function* rows(): AsyncGenerator<Job, void, void> {
  const questions = [
    { text: "one", ask: { maxTokens: 3 } },
    { text: "two", id: 7 },
  ];
  yield { id: "row 1", label: "a", input: "a", questions };
  yield { label: "b", input: "b", questions: [{ text: "three" }] };
}

async function* silent(): AsyncGenerator<Job, void, void> {
  yield { label: "a", input: "a", questions: [{ text: "q" }] };
  await new Promise(() => {});
}

type Run = Partial<AnswersOptions> & Pick<AnswersOptions, "jobs">;

function begin(engine: FakeEngine, options: Run): AsyncGenerator<Outcome, void, void> {
  return answers({ engine: async () => engine, model: "demo", ask: {}, ...options });
}

async function collect(engine: FakeEngine, options: Run): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const outcome of begin(engine, options)) outcomes.push(outcome);
  return outcomes;
}

function nothing(): void {}

/** Says so much that others come in. */
function sayMuch(hooks: AskHooks | undefined): void {
  for (let piece = 0; piece < PIECES_ALONE; piece++) hooks?.onText?.("");
}

/** Lets everything happen that can happen. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

/** An engine whose answers come when the test says so. */
class HeldEngine extends FakeEngine {
  readonly calls: string[] = [];
  /** gives the answer to a question of the picture that was encoded so many pictures after the first */
  readonly answer = new Map<string, () => void>();

  constructor(parallel: number) {
    let encoded = 0;
    super({
      parallel,
      preparePicture: async (input) => {
        this.calls.push(`prepare ${String(input)}`);
        return PREPARED;
      },
      encodePicture: async () => {
        this.calls.push(`encode ${encoded}`);
        return picture(encoded++);
      },
      ask: async ({ id }, { question }, hooks) => {
        this.calls.push(`ask ${id} ${question}`);
        sayMuch(hooks);
        await new Promise<void>((resolve) => {
          this.answer.set(`${id} ${question}`, resolve);
          hooks?.signal?.addEventListener("abort", () => resolve());
        });
        return answer(`${id}`, hooks?.signal?.aborted === true ? { finish: "interrupted" } : {});
      },
    });
  }

  /** The calls since the last look that begin so. */
  called(kind: string): string[] {
    return this.calls.splice(0).filter((call) => call.startsWith(kind));
  }
}

describe("an engine that works on several questions", () => {
  it("is kept busy: as many are asked, the next picture is encoded, further ones are prepared", async () => {
    const engine = new HeldEngine(2);
    const run = begin(engine, { jobs: jobsOf(names(20), ["q"]) });
    const first = run.next();
    await settled();
    const { places, ahead } = paceOf(2);
    expect(places).toBe(3);
    expect(engine.calls.filter((call) => !call.startsWith("prepare"))).toEqual([
      "encode 0",
      "ask 0 q",
      "encode 1",
      "ask 1 q",
      "encode 2",
      "ask 2 q",
    ]);
    expect(engine.called("prepare")).toHaveLength(places + ahead);
    engine.answer.get("0 q")?.();
    await first;
    await settled();
    expect(engine.calls).toEqual(["encode 3", "ask 3 q", "prepare 5"]);
    await run.return();
  });

  it("is asked the further questions of its pictures before it sees another picture", async () => {
    const engine = new HeldEngine(2);
    const questions = ["a", "b", "c", "d", "e", "f"];
    const run = begin(engine, { jobs: jobsOf(names(9), questions) });
    const first = run.next();
    await settled();
    expect(engine.called("ask")).toEqual(["ask 0 a", "ask 0 b", "ask 1 a"]);
    for (const key of ["0 a", "0 b", "1 a"]) {
      engine.answer.get(key)?.();
      await settled();
    }
    expect(engine.calls).toEqual(["ask 0 c", "ask 1 b", "ask 0 d"]);
    await first;
    await run.return();
  });

  it("holds up a bounded number of outcomes behind a slow one, and gives them in order", async () => {
    const engine = new HeldEngine(2);
    const { window } = paceOf(2);
    const jobs = jobsOf(names(100), ["q"]);
    const run = begin(engine, { jobs });
    const first = run.next();
    let begun = 0;
    for (let quiet = 0; quiet < 3; quiet++) {
      await settled();
      for (const [key, give] of engine.answer) {
        if (key === "0 q" || !engine.answer.delete(key)) continue;
        give();
        begun++;
        quiet = 0;
      }
    }
    expect(begun).toBe(window - 1);
    engine.answer.get("0 q")?.();
    const order = [(await first).value?.record.image];
    for (let index = 1; index < window; index++) order.push((await run.next()).value?.record.image);
    expect(order).toEqual(names(window).map(({ label }) => label));
    await run.return();
  });

  it("gives what is there when the order does not matter", async () => {
    const engine = new HeldEngine(2);
    const run = begin(engine, { jobs: jobsOf(names(3), ["q"]), ordered: false });
    const first = run.next();
    await settled();
    engine.answer.get("2 q")?.();
    expect((await first).value?.record.image).toBe("2");
    for (const give of engine.answer.values()) give();
    const rest = [await run.next(), await run.next(), await run.next()];
    expect(rest.map(({ value }) => value?.record.image)).toEqual(["0", "1", undefined]);
  });

  it("answers a picture with more questions than that", async () => {
    const questions = Array.from({ length: 500 }, (_, index) => `${index}`);
    const outcomes = await collect(new FakeEngine({ parallel: 2 }), { jobs: jobsOf(names(2), questions) });
    expect(outcomes.map(({ record }) => record.question)).toEqual([...questions, ...questions]);
  });

  it("gives all questions of a picture the same time, and those that come later what is left of it", async () => {
    let clock = 0;
    const limits: (number | undefined)[] = [];
    const engine = new FakeEngine({
      parallel: 2,
      ask: async (_, { timeoutMs }, hooks) => {
        limits.push(timeoutMs);
        sayMuch(hooks);
        await settled();
        clock += 40;
        return answer("Red.");
      },
    });
    const jobs = jobsOf(names(1), ["a", "b", "c", "d", "e", "f", "g"]);
    const outcomes = await collect(engine, { jobs, timeoutMs: 100, now: () => clock });
    expect(limits).toEqual([100, 100, 100, 60, 20]);
    const errors = outcomes.map((outcome) => ("error" in outcome ? outcome.error : undefined));
    expect(errors.map((error) => error?.code)).toEqual([
      ...Array.from({ length: 5 }, () => undefined),
      "timeout",
      "timeout",
    ]);
    expect(errors[5]).toBe(errors[6]);
  });

  it("brings forth no warning of many listeners", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    const engine = new FakeEngine({
      parallel: 40,
      ask: async (_, __, hooks) => {
        hooks?.signal?.addEventListener("abort", () => {});
        await settled();
        return answer("Red.");
      },
    });
    await collect(engine, { jobs: jobsOf(names(40), ["q"]) });
    await settled();
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});

describe("the first question", () => {
  it("has the engine to itself until its answer has come", async () => {
    const engine = new FakeEngine({ parallel: 8 });
    const atWork: number[] = [];
    let encoded = 0;
    const busy = new FakeEngine({
      parallel: 8,
      encodePicture: async () => picture(encoded++),
      ask: async (asked, options, hooks) => {
        await settled();
        atWork.push(encoded);
        return engine.ask(asked, options, hooks);
      },
    });
    await collect(busy, { jobs: jobsOf(names(20), ["q"]) });
    expect(atWork[0]).toBe(1);
    expect(Math.max(...atWork.slice(0, 9))).toBeGreaterThan(4);
  });

  it("shares it as soon as its answer turns out long", async () => {
    const engine = new HeldEngine(2);
    const run = begin(engine, { jobs: jobsOf(names(3), ["q"]) });
    const first = run.next();
    await settled();
    expect(engine.called("encode")).toEqual(["encode 0", "encode 1", "encode 2"]);
    for (const give of engine.answer.values()) give();
    await first;
    await run.return();
  });
});

describe("an engine that still loads", () => {
  it("gets two pictures, and one more when it says that it works on two questions", async () => {
    const engine = new HeldEngine(2);
    let ready = nothing;
    const loading = new Promise<void>((resolve) => (ready = resolve));
    engine.ready = async () => loading.then(() => engine.info);
    const stop = new AbortController();
    const run = begin(engine, { jobs: jobsOf(names(9), ["q"]), stop: stop.signal });
    const none = run.next();
    await settled();
    expect(engine.called("encode")).toEqual(["encode 0", "encode 1"]);
    ready();
    await settled();
    expect(engine.called("encode")).toEqual(["encode 2"]);
    stop.abort();
    expect((await none).done).toBe(true);
  });

  it("is waited for by the first record, whoever else waits", async () => {
    const ms = { wait: 500, queue: 0, prefill: 30, embq: 2, firstToken: 4, decode: 16 };
    let clock = 0;
    const engine = new FakeEngine({
      parallel: 4,
      encodePicture: async () => picture(1, { image: 0, wait: 300, vision: 20 }),
      ask: async () => {
        clock += 1;
        return answer("Red.", { ms });
      },
    });
    const outcomes = await collect(engine, { jobs: jobsOf(names(3), ["q", "r"]), now: () => clock });
    const loads = outcomes.map(({ record }) => "ms" in record && record.ms.load);
    expect(loads).toEqual([800, 0, 0, 0, 0, 0]);
  });
});

describe("a source that gives a name now and then", () => {
  it.each([1, 8])("hears the answer before it gives the next one: %i at once", async (parallel) => {
    let heard = nothing;
    async function* slowly(): AsyncGenerator<Job, void, void> {
      for (const { label, input } of names(5)) {
        const hearing = new Promise<void>((resolve) => (heard = resolve));
        yield { label, input, questions: [{ text: "q" }] };
        await hearing; // for ever, if the answer waited for company
      }
    }
    let count = 0;
    for await (const { record } of begin(new FakeEngine({ parallel }), { jobs: slowly() })) {
      expect(record.image).toBe(`${count++}`);
      heard();
    }
    expect(count).toBe(5);
  });

  it.each(["finish", "stop"] as const)("does not hold up a run that is told to %s", async (signal) => {
    const controller = new AbortController();
    const run = begin(new FakeEngine(), { jobs: silent(), [signal]: controller.signal });
    expect((await run.next()).done).toBe(false);
    const end = run.next();
    await settled();
    controller.abort();
    expect((await end).done).toBe(true);
  });

  it("is closed with the run", async () => {
    let closed = false;
    async function* open(): AsyncGenerator<Job, void, void> {
      try {
        yield* jobsOf(names(99), ["q"]);
      } finally {
        closed = true;
      }
    }
    for await (const _ of begin(new FakeEngine(), { jobs: open() })) break;
    expect(closed).toBe(true);
  });
});

describe("a question", () => {
  it("may have settings of its own, and an id: its own, or its job's", async () => {
    const asked: AskOptions[] = [];
    const engine = new FakeEngine({
      ask: async (_, options) => {
        asked.push(options);
        return answer("Red.");
      },
    });
    const outcomes = await collect(engine, { jobs: rows(), ask: { maxTokens: 99, seed: 5 } });
    expect(outcomes.map(({ record }) => record.id)).toEqual(["row 1", 7, undefined]);
    expect(Object.keys(outcomes[0]?.record ?? {})[0]).toBe("id");
    expect(outcomes[2]?.record).not.toHaveProperty("id");
    expect(asked.map(({ question, maxTokens, seed }) => [question, maxTokens, seed])).toEqual([
      ["one", 3, 5],
      ["two", 99, 5],
      ["three", 99, 5],
    ]);
  });

  it("reports that it waited for others only if there were any, and it did", async () => {
    const times = { wait: 0, prefill: 30, embq: 2, firstToken: 4, decode: 16 };
    const queued = async (parallel: number, queue: number): Promise<unknown[]> => {
      const ask = async (): ReturnType<FakeEngine["ask"]> => {
        await settled();
        return answer("Red.", { ms: { ...times, queue } });
      };
      const engine = new FakeEngine({ parallel, ask });
      const outcomes = await collect(engine, { jobs: jobsOf(names(3), ["q"]) });
      return outcomes.map(({ record }) => "ms" in record && record.ms.queue);
    };
    expect(await queued(1, 0.7)).toEqual([undefined, undefined, undefined]);
    expect(await queued(3, 0.04)).toEqual([undefined, undefined, undefined]);
    expect(await queued(3, 0.7)).toContain(0.7);
  });
});
