import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// What a user imports: the built package.
const { loadModel, FlashSlothError } = await import("flashsloth");
type Model = Awaited<ReturnType<typeof loadModel>>;

const DRAWINGS = join(import.meta.dirname, "..", "fixtures", "eval");
const drawing = join(DRAWINGS, "003.png");
const question = "What color is the square?";

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "flashsloth-library-"));
  process.env["FLASHSLOTH_HOME"] = home;
});

afterAll(async () => rm(home, { recursive: true, force: true }));

describe("loadModel", () => {
  let model: Model;

  beforeAll(async () => {
    model = await loadModel({ model: "demo", device: "cpu" });
  });

  afterAll(async () => model?.dispose());

  it("answers from a worker thread, streaming, while this thread stays free", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const picture = await model.encodePicture(drawing);
    const pieces: string[] = [];
    const answer = await model.ask(picture, { question }, { onText: (piece) => pieces.push(piece) });
    clearInterval(timer);
    expect(answer.text).toBe("Purple.");
    expect(pieces.join("")).toBe("Purple.");
    expect(ticks).toBeGreaterThan(0);
  });

  it("skips vision and the prefix for a second question about the same picture", async () => {
    const picture = await model.encodePicture(drawing);
    const before = await model.counters();
    const first = await model.ask(picture, { question: "How many shapes are there?" });
    const second = await model.ask(picture, { question });
    const after = await model.counters();
    expect(after.picturesEncoded).toBe(before.picturesEncoded);
    expect(after.prefixPrefills - before.prefixPrefills).toBe(1);
    // the prompt's beginning is kept for every picture
    expect(second.reusedPositions - first.reusedPositions).toBe(picture.visualTokens);
  });

  it("prepares a picture in this thread", async () => {
    const prepared = await model.preparePicture(drawing);
    const picture = await model.encodePicture(prepared);
    expect((await model.ask(picture, { question })).text).toBe("Purple.");
    await expect(model.preparePicture(join(home, "none.png"))).rejects.toMatchObject({
      code: "image-not-found",
    });
  });

  it("takes a picture's bytes, and keeps questions in order", async () => {
    const { readFile } = await import("node:fs/promises");
    const picture = await model.encodePicture(await readFile(drawing));
    const answers = await Promise.all(
      [question, "Is there a purple square in the image?", question].map(async (text) =>
        model.ask(picture, { question: text }),
      ),
    );
    expect(answers.map(({ text }) => text)).toEqual(["Purple.", "Yes.", "Purple."]);
  });

  it("stops an answer when its signal is aborted", async () => {
    const picture = await model.encodePicture(drawing);
    const controller = new AbortController();
    const onText = (): void => controller.abort();
    const describeIt = { question: "Describe the image." };
    const whole = await model.ask(picture, describeIt);
    const cut = await model.ask(picture, describeIt, { onText, signal: controller.signal });
    expect(cut.finish).toBe("interrupted");
    expect(whole.text.startsWith(cut.text)).toBe(true);
    expect(cut.text.length).toBeLessThan(whole.text.length);
  });

  it("throws its own errors across the thread, with code and hint", async () => {
    const missing: unknown = await model
      .encodePicture(join(home, "none.png"))
      .catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(FlashSlothError);
    expect(missing).toMatchObject({ code: "image-not-found" });
    const picture = await model.encodePicture(drawing);
    await expect(model.ask(picture, { question: "" })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("a model's life", () => {
  it("ends once, and nothing can be asked afterwards", async () => {
    const model = await loadModel({ model: "demo", device: "cpu" });
    const picture = await model.encodePicture(drawing);
    await model.dispose();
    await model.dispose();
    await expect(model.ask(picture, { question })).rejects.toBeInstanceOf(FlashSlothError);
  });

  it("does not begin with a name that nobody knows", async () => {
    await expect(loadModel({ model: "flashslot-3.2b" })).rejects.toMatchObject({ code: "usage" });
  });

  it("can see with int8 weights, and refuses a precision that there is not", async () => {
    const model = await loadModel({ model: "demo", device: "cpu", visionPrecision: "int8" });
    const { text } = await model.ask(await model.encodePicture(drawing), { question });
    await model.dispose();
    expect(text).toBe("Purple.");
    const odd = { model: "demo", visionPrecision: "int4" as "int8" };
    await expect(loadModel(odd)).rejects.toMatchObject({ code: "usage" });
  });

  it("needs no more memory after 1,000 questions than after 100", async () => {
    const script = join(import.meta.dirname, "thousand-questions.mjs");
    // the script's own garbage must not hide what the library holds: V8's nursery grows when the machine is busy
    const words = ["--max-semi-space-size=2", script];
    const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 1 << 20 });
    const { questions, resident } = JSON.parse(stdout) as { questions: number; resident: number[] };
    expect(questions).toBe(1000);
    const median = (from: number): number =>
      resident.slice(from, from + 50).sort((a, b) => a - b)[25] ?? Number.NaN;
    // heaps settle within less; the features of every picture, left behind, would be 30 MB
    expect(median(950) - median(100)).toBeLessThan(8e6);
  });
});
