import { describe, expect, it } from "vitest";
import { Remarks, type RemarksOptions } from "../../../src/cli/many/remarks.ts";
import { FlashSlothError } from "../../../src/core/errors.ts";
import { pictureFailure, questionFailure, type Outcome } from "../../../src/pipeline/outcome.ts";
import type { Job } from "../../../src/pipeline/job.ts";
import { answer, picture } from "../../pipeline/fake-engine.ts";

/** Remarks, and the lines that they made. */
function listen(options: Omit<RemarksOptions, "terminal">): { remarks: Remarks; lines: string[] } {
  const lines: string[] = [];
  const terminal = {
    error: (message: string, hint?: string) =>
      void lines.push(`error: ${message}`, ...(hint === undefined ? [] : [`hint: ${hint}`])),
    warning: (message: string) => void lines.push(`warning: ${message}`),
  };
  return { remarks: new Remarks({ terminal, ...options }), lines };
}

function job(label: string, ...questions: readonly string[]): Job {
  return { label, input: label, questions: questions.map((text) => ({ text })) };
}

function cutOff(text: string, finish: "length" | "timeout" | "repetition"): Outcome {
  const ms = { load: 0, image: 0, vision: 0, prefill: 1, first_token: 1, decode: 1, total: 3 };
  const tokens = { image: 9, prompt: 58, answer: 5 };
  return {
    job: job("a.png", text),
    question: { text },
    record: { image: "a.png", question: text, answer: "Re", model: "demo", finish, tokens, ms },
    measured: { picture: picture(1), answer: answer("Re", { finish }) },
  };
}

describe("explain", () => {
  const questions = ["one", "two"];

  it("says once what several questions failed of, and again for the next picture", () => {
    const { remarks, lines } = listen({ questions });
    const missing = new FlashSlothError("image-not-found", "no such file: a.png", { hint: "look for it" });
    const damaged = new FlashSlothError("image-invalid", "damaged");
    for (const outcome of [
      ...pictureFailure(job("a.png", ...questions), missing, "demo"),
      ...pictureFailure(job("b.png", ...questions), damaged, "demo"),
    ]) {
      remarks.explain(outcome);
    }
    expect(lines).toEqual(["error: no such file: a.png", "hint: look for it", "error: b.png: damaged"]);
  });

  it("names the question that failed or was cut off, where there are several", () => {
    const { remarks, lines } = listen({ questions, timeoutMs: 1500 });
    const error = new FlashSlothError("question-too-long", "too long");
    remarks.explain(questionFailure(job("a.png"), { text: "one ".repeat(100) }, error, "demo"));
    remarks.explain(cutOff("two\n?", "length"));
    remarks.explain(cutOff("two", "timeout"));
    expect(lines).toEqual([
      `error: a.png: ${"one ".repeat(15)}…: too long`,
      "warning: a.png: two ?: the answer was cut off after 5 tokens",
      "warning: a.png: two: the answer was cut off after 1.5 s",
    ]);
  });

  it("names only the picture where there is one question", () => {
    const { remarks, lines } = listen({ questions: ["q"] });
    const error = new FlashSlothError("timeout", "too slow");
    remarks.explain(questionFailure(job("a.png"), { text: "q" }, error, "demo"));
    remarks.explain(cutOff("q", "length"));
    remarks.explain(cutOff("q", "repetition"));
    expect(lines).toEqual([
      "error: a.png: too slow",
      "warning: a.png: the answer was cut off after 5 tokens",
      "warning: a.png: the answer repeated itself without end, and was cut off",
    ]);
  });
});
