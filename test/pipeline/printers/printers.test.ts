import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import { FORMATS, formatFor, type Printer } from "../../../src/pipeline/printers/printer.ts";
import { printerOf } from "../../../src/pipeline/printers/printers.ts";
import type { Stamp } from "../../../src/pipeline/resume/stamp.ts";
import { answeredOutcome, failedOutcome, type OutcomeParts } from "../outcomes.ts";

const STAMP: Stamp = {
  key: "0123456789abcdef01234567",
  file: { bytes: 12, modified: 1_763_000_000_000.25 },
  settings: { model: "demo", revision: "1", quant: "f16", vision: "fp32", max_tokens: 512 },
};
const DAMAGED = new FlashSlothError("image-invalid", "it is damaged");
const PARTS = { image: true, question: false };

function printer(
  format: (typeof FORMATS)[number],
  changes: { file?: string; question?: boolean } = {},
): Printer {
  const { file, question = false } = changes;
  return printerOf({ format, parts: { image: true, question }, file });
}

function json(format: (typeof FORMATS)[number], parts: OutcomeParts & { failed?: boolean } = {}): unknown {
  const outcome = parts.failed === true ? failedOutcome(DAMAGED, parts) : answeredOutcome(parts);
  const row = printer(format).print(outcome, {});
  expect(row.endsWith("\n")).toBe(true);
  expect(row.indexOf("\n")).toBe(row.length - 1);
  return JSON.parse(row) as unknown;
}

describe("text", () => {
  it("has a line per answer, with what tells it from the others, and none for a failure", () => {
    const outcome = answeredOutcome({ label: "a\u001b.png", text: "Red\nand green." });
    expect(printer("text").print(outcome, {})).toBe(String.raw`a\x1b.png: Red and green.` + "\n");
    expect(printer("text", { question: true }).print(outcome, {})).toContain(": Why? Red and");
    expect(printer("text").print(failedOutcome(DAMAGED), {})).toBe("");
  });
});

describe("jsonl", () => {
  it("is the record, with what else there is behind it", () => {
    const row = printer("jsonl").print(answeredOutcome(), { extra: { bench: 1 }, stamp: STAMP });
    const record = JSON.parse(row) as object;
    expect(Object.keys(record).slice(-4)).toEqual(["bench", "key", "file", "settings"]);
    expect(record).toMatchObject({ image: "a.png", answer: "Red.", key: STAMP.key });
  });
});

describe("llava", () => {
  it("answers under the question's id, in the fields that the published scripts write", () => {
    expect(json("llava", { id: 17, finish: "length" })).toEqual({
      question_id: 17,
      prompt: "Why?",
      text: "Red.",
      answer_id: expect.stringMatching(/^[0-9a-f]{22}$/) as string,
      model_id: "demo",
      metadata: {},
    });
  });

  it("has a line for a failure too, so that lines and questions stay side by side", () => {
    expect(json("llava", { id: "x", failed: true })).toMatchObject({
      question_id: "x",
      text: "",
      metadata: { error: { code: "image-invalid", message: "it is damaged" } },
    });
  });

  it("calls an answer after its picture where nobody gave it an id", () => {
    expect(json("llava")).toMatchObject({ question_id: "a.png" });
    const rows = ["Why?", "Who?"].map((question) =>
      printer("llava", { question: true }).print(answeredOutcome({ question }), {}),
    );
    const ids = rows.map((row) => (JSON.parse(row) as { question_id: string }).question_id);
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^a\.png#[0-9a-f]{8}$/);
  });
});

describe("openai", () => {
  it("has a chat completion as each response's body", () => {
    const line = json("openai", { id: "request-1", finish: "length" });
    expect(line).toMatchObject({
      id: expect.stringMatching(/^batch_req_/) as string,
      custom_id: "request-1",
      response: {
        status_code: 200,
        body: {
          object: "chat.completion",
          model: "demo",
          choices: [
            {
              index: 0,
              message: { role: "assistant", content: "Red." },
              finish_reason: "length",
              logprobs: null,
            },
          ],
          usage: { prompt_tokens: 58, completion_tokens: 5, total_tokens: 63 },
        },
      },
      error: null,
    });
  });

  it("has an error line for a failure", () => {
    expect(json("openai", { id: "request-1", failed: true })).toMatchObject({
      custom_id: "request-1",
      response: { status_code: 400, body: { error: { message: "it is damaged", code: "image-invalid" } } },
      error: { code: "image-invalid", message: "it is damaged" },
    });
  });
});

describe("hf", () => {
  it("names pictures from the folder that the file is in, and leaves failures out", () => {
    expect(json("hf", { label: "deep/a.png" })).toEqual({ file_name: "deep/a.png", text: "Red." });
    const beside = printer("hf", { file: "set/metadata.jsonl" });
    const row = beside.print(answeredOutcome({ label: "set/train/a.png" }), {});
    expect(JSON.parse(row)).toEqual({ file_name: "train/a.png", text: "Red." });
    expect(beside.print(failedOutcome(DAMAGED), {})).toBe("");
  });
});

describe("rows that are read again", () => {
  it.each(["jsonl", "csv", "llava", "openai"] as const)("say in %s what they are about", (format) => {
    const { print, rereads } = printer(format, { file: "out" });
    const about = { label: 'b "1",\n.png', question: '=1+1, "really"?\nyes', id: "x-1" };
    const read = (row: string): unknown => rereads?.read(row.slice(0, -1));
    const answered = print(answeredOutcome(about), { stamp: STAMP });
    const { label: image, question, id } = about;
    expect(read(answered)).toEqual({ id, image, question, failed: false, stamp: STAMP });
    const failed = print(failedOutcome(DAMAGED, about), { stamp: STAMP });
    expect(read(failed)).toMatchObject({ image, question, failed: true });
    // where no model was needed nobody knows the settings
    expect(read(print(failedOutcome(DAMAGED, about), {}))).toMatchObject({ failed: true });
    for (const other of ["", "{}", "null", "nonsense", "1,2,3", '{"image":"a.png","question":"Why?"}']) {
      expect(rereads?.read(other)).toBeUndefined();
    }
  });

  it("are in no other form", () => {
    expect(printerOf({ format: "text", parts: PARTS, file: "out" }).rereads).toBeUndefined();
    expect(printer("hf", { file: "out" }).rereads).toBeUndefined();
  });
});

describe("the form that goes with the questions'", () => {
  it("is theirs where answers have a published one", () => {
    expect((["llava", "openai", "ours", "csv", undefined] as const).map(formatFor)).toEqual([
      "llava",
      "openai",
      "text",
      "text",
      "text",
    ]);
  });
});
