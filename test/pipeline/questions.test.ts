import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/pipeline/outcome.ts";
import { answers, type AnswersOptions } from "../../src/pipeline/run.ts";
import { answer, FakeEngine, jobsOf, picture, PREPARED, type Input } from "./fake-engine.ts";

const A = { label: "a.png", input: "a.png" };
const B = { label: "b.png", input: "b.png" };
const DAMAGED = new FlashSlothError("image-invalid", "damaged");
const QUESTIONS = ["one", "two", "three"];

/** An engine that writes down its calls, on a clock of its own: 100 ms a picture, 40 ms a question. */
class Diary extends FakeEngine {
  readonly entries: string[] = [];
  readonly limits: (number | undefined)[] = [];
  clock = 0;

  constructor(hooks: { onAsk?: (question: string) => void; onEncode?: () => void; refuse?: string[] } = {}) {
    let encoded = 0;
    super({
      preparePicture: async (input) => {
        if (hooks.refuse?.includes(String(input)) === true) throw DAMAGED;
        return { ...PREPARED, width: Number(input === "b.png") };
      },
      encodePicture: async (input) => {
        const second = typeof input === "object" && "width" in input && input.width === 1;
        this.entries.push(`encode ${second ? "b.png" : "a.png"}`);
        this.clock += 100;
        hooks.onEncode?.();
        return picture(++encoded, { image: 10, wait: 0, vision: 90 });
      },
      ask: async ({ id }, { question, timeoutMs }, asked) => {
        this.entries.push(`ask ${id} ${question}`);
        this.limits.push(timeoutMs);
        this.clock += 40;
        hooks.onAsk?.(question);
        const ms = { wait: 0, queue: 0, prefill: 20, embq: 2, firstToken: 4, decode: 16 };
        if (asked?.signal?.aborted === true) return answer("", { finish: "interrupted", ms });
        return answer(`${question}!`, { ms });
      },
    });
  }

  override async release(held: { id: number }): Promise<void> {
    this.entries.push(`release ${held.id}`);
  }
}

interface BeginOptions extends Partial<AnswersOptions> {
  readonly inputs?: readonly Input[];
}

function begin(
  engine: Diary,
  { inputs = [A, B], ...options }: BeginOptions = {},
): AsyncGenerator<Outcome, void, void> {
  return answers({
    jobs: jobsOf(inputs, QUESTIONS),
    engine: async () => engine,
    model: "demo",
    ask: { maxTokens: 9 },
    now: () => engine.clock,
    ...options,
  });
}

async function collect(engine: Diary, options: BeginOptions = {}): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const outcome of begin(engine, options)) outcomes.push(outcome);
  return outcomes;
}

/** `image question answer`, or the error's code in place of the answer. */
function told(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ record }) =>
    [record.image, record.question, "error" in record ? record.error.code : record.answer].join(" "),
  );
}

describe("several questions", () => {
  it("are all asked about a picture that is encoded once, before the next picture", async () => {
    const engine = new Diary();
    const outcomes = await collect(engine);
    expect(engine.entries).toEqual([
      "encode a.png",
      "ask 1 one",
      "ask 1 two",
      "ask 1 three",
      "release 1",
      "encode b.png",
      "ask 2 one",
      "ask 2 two",
      "ask 2 three",
      "release 2",
    ]);
    expect(told(outcomes)).toEqual([
      "a.png one one!",
      "a.png two two!",
      "a.png three three!",
      "b.png one one!",
      "b.png two two!",
      "b.png three three!",
    ]);
  });

  it("share the picture's cost: it is in the first record, and the others add up without it", async () => {
    const engine = new Diary();
    engine.clock = 7;
    const outcomes = await collect(engine, { waitingSince: 2, inputs: [A] });
    const first = { load: 5, image: 10, vision: 90, prefill: 20, first_token: 4, decode: 16, total: 145 };
    const later = { ...first, load: 0, image: 0, vision: 0, total: 40 };
    expect(outcomes.map(({ record }) => "ms" in record && record.ms)).toEqual([first, later, later]);
  });

  it("are not charged for the time that writing the answers takes", async () => {
    const engine = new Diary();
    const totals: (number | false)[] = [];
    for await (const { record } of begin(engine, { inputs: [A], timeoutMs: 1000 })) {
      totals.push("ms" in record && record.ms.total);
      engine.clock += 10_000;
    }
    expect(totals).toEqual([140, 40, 40]);
    expect(engine.limits).toEqual([900, 860, 820]);
  });

  it("each get a record of a picture that fails, all with one and the same error", async () => {
    const missing = new FlashSlothError("image-not-found", "no such file: c.png");
    const engine = new Diary({ refuse: ["a.png"] });
    const outcomes = await collect(engine, { inputs: [A, { label: "c.png", error: missing }, B] });
    expect(told(outcomes)).toEqual([
      "a.png one image-invalid",
      "a.png two image-invalid",
      "a.png three image-invalid",
      "c.png one image-not-found",
      "c.png two image-not-found",
      "c.png three image-not-found",
      "b.png one one!",
      "b.png two two!",
      "b.png three three!",
    ]);
    const errors = new Set(outcomes.map((outcome) => "error" in outcome && outcome.error));
    expect(errors).toEqual(new Set([DAMAGED, missing, false]));
    const kinds = outcomes.map((outcome) => "failed" in outcome && outcome.failed);
    expect(new Set(kinds)).toEqual(new Set(["picture", false]));
    expect(engine.entries.filter((entry) => entry.startsWith("release"))).toEqual(["release 1"]);
  });

  it("do not stop each other: one that fails has a failed record, and only that", async () => {
    const engine = new Diary({
      onAsk: (question) => {
        if (question === "one") throw new FlashSlothError("question-too-long", "too long");
      },
    });
    const outcomes = await collect(engine, { inputs: [A] });
    expect(told(outcomes)).toEqual(["a.png one question-too-long", "a.png two two!", "a.png three three!"]);
    expect(outcomes[0]).toMatchObject({ failed: "question" });
    // the picture was waited for by the question that failed
    expect(outcomes[1]?.record).toMatchObject({ ms: { load: 0, image: 0, vision: 0, total: 40 } });
    expect(engine.entries.at(-1)).toBe("release 1");
  });
});

describe("the time for a picture", () => {
  it("is shared by its questions; those that do not get their turn fail, the next picture starts anew", async () => {
    const engine = new Diary();
    const outcomes = await collect(engine, { timeoutMs: 180 });
    expect(engine.limits).toEqual([80, 40, 80, 40]);
    expect(told(outcomes)).toEqual([
      "a.png one one!",
      "a.png two two!",
      "a.png three timeout",
      "b.png one one!",
      "b.png two two!",
      "b.png three timeout",
    ]);
    expect(outcomes[2]).toMatchObject({
      failed: "picture",
      error: { message: "no time was left for further questions after 0.18 s" },
    });
  });

  it("ends with the answer that it cuts off, whatever the clocks say", async () => {
    const engine = new Diary();
    const cut = new FakeEngine({
      encodePicture: engine.encodePicture,
      ask: async () => answer("on", { finish: "timeout" }),
    });
    const outcomes = await collect(engine, { engine: async () => cut, inputs: [A], timeoutMs: 1000 });
    expect(told(outcomes)).toEqual(["a.png one on", "a.png two timeout", "a.png three timeout"]);
    const [, two, three] = outcomes.map((outcome) => "error" in outcome && outcome.error);
    expect(two).toBe(three);
  });

  it("fails every question when looking at the picture alone took longer", async () => {
    const engine = new Diary();
    const outcomes = await collect(engine, { inputs: [A], timeoutMs: 100 });
    expect(told(outcomes)).toEqual(["a.png one timeout", "a.png two timeout", "a.png three timeout"]);
    expect(outcomes[2]).toMatchObject({ failed: "picture", error: { message: "no answer within 0.1 s" } });
    expect(engine.entries).toEqual(["encode a.png", "release 1"]);
  });
});

describe("between two questions", () => {
  it("nothing new begins once told to finish, and the picture is let go", async () => {
    const finish = new AbortController();
    const engine = new Diary({ onAsk: (question) => void (question === "two" && finish.abort()) });
    expect(told(await collect(engine, { finish: finish.signal }))).toEqual([
      "a.png one one!",
      "a.png two two!",
    ]);
    expect(engine.entries.at(-1)).toBe("release 1");
  });

  it("a signal while the picture is looked at still gives it its first answer", async () => {
    const finish = new AbortController();
    const engine = new Diary({ onEncode: () => finish.abort() });
    expect(told(await collect(engine, { finish: finish.signal }))).toEqual(["a.png one one!"]);
  });

  it("the answer in hand is dropped once told to stop, and those before it stand", async () => {
    const stop = new AbortController();
    const engine = new Diary({ onAsk: (question) => void (question === "two" && stop.abort()) });
    expect(told(await collect(engine, { stop: stop.signal }))).toEqual(["a.png one one!"]);
    expect(engine.entries.at(-1)).toBe("release 1");
  });

  it("a caller that gives up leaves no picture behind", async () => {
    const engine = new Diary();
    for await (const outcome of begin(engine)) if (outcome.record.question === "two") break;
    expect(engine.entries).toEqual(["encode a.png", "ask 1 one", "ask 1 two", "release 1"]);
  });
});
