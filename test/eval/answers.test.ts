import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Answers, readAnswers } from "../../src/eval/answers.ts";

const text = (answers: Answers, id: string | number, prompt: string): string | undefined =>
  answers.take(id, prompt)?.text;

describe("answers", () => {
  it("belong to their sample by id and prompt, wherever they stand", () => {
    const answers = new Answers();
    answers.add("code/1.png", { prompt: "Is it C?", text: "no" });
    answers.add("code/1.png", { prompt: "Is it Python?", text: "yes" });
    expect(text(answers, "code/1.png", "Is it Python?")).toBe("yes");
    expect(text(answers, "code/1.png", "Is it Python?")).toBeUndefined();
    expect(text(answers, "code/1.png", "Is it C?")).toBe("no");
    expect(answers.left).toBe(0);
  });

  it("to the same question about several pictures of one name are taken in their order", () => {
    const answers = new Answers();
    answers.add(7, { prompt: "What?", text: "first" });
    answers.add("7", { prompt: "What?", text: "second" });
    expect([text(answers, 7, "What?"), text(answers, 7, "What?")]).toEqual(["first", "second"]);
  });

  it("may leave the prompt's suffix away, as LLaVA's script for MMBench does", () => {
    const answers = new Answers();
    answers.add(3, { prompt: "Which?\nA. a\nB. b", text: "A" });
    expect(text(answers, 3, "Which?\nA. a\nB. b\nAnswer with the letter.")).toBe("A");
    answers.add(4, { prompt: "Is it B?", text: "yes" });
    expect(text(answers, 4, "Is it A?")).toBeUndefined();
  });

  it("that nobody asked for are counted", () => {
    const answers = new Answers();
    answers.add(1, { prompt: "a", text: "b" });
    answers.take(2, "a");
    expect(answers.left).toBe(1);
  });
});

describe("a file of answers", () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "flashsloth-answers-"))));
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  async function file(...rows: readonly (object | string)[]): Promise<string> {
    const path = join(folder, "answers.jsonl");
    await writeFile(
      path,
      rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n"),
    );
    return path;
  }

  it("may come from LLaVA's scripts", async () => {
    const path = await file({
      question_id: 5,
      prompt: "Is it?",
      text: "Yes",
      answer_id: "x",
      model_id: "FlashSloth-3.2B",
      metadata: {},
    });
    const { answers, count, models, settings } = await readAnswers(path);
    expect([count, models, settings]).toEqual([1, ["FlashSloth-3.2B"], []]);
    expect(text(answers, 5, "Is it?")).toBe("Yes");
  });

  it("of ours says how they were given, and which failed", async () => {
    const settings = { model: "demo", revision: "abc", quant: "f16", vision: "fp32", max_tokens: 16 };
    const path = await file(
      { question_id: 1, prompt: "a", text: "b", model_id: "demo", metadata: { key: "0", settings } },
      { question_id: 2, prompt: "c", text: "", model_id: "demo", metadata: { error: { code: "disk" } } },
    );
    const read = await readAnswers(path);
    expect(read.settings).toEqual([settings]);
    expect(text(read.answers, 2, "c")).toBeUndefined();
    expect(read.answers.left).toBe(1);
  });

  it.each([
    ["no JSON", "{", ":1: no JSON"],
    ["a list", [], ":1: "],
    ["no prompt", { question_id: 1, text: "a" }, "`prompt` is missing"],
    ["no text", { question_id: 1, prompt: "a", text: 3 }, "`text`"],
  ])("with %s is refused by its line", async (_what, row, message) => {
    await expect(readAnswers(await file(row))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining(message),
    });
  });
});
