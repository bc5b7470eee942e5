import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { DRAWINGS_FOLDER, drawing, lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();
beforeAll(async () => place.convertDemo());

interface Drawn {
  readonly image: string;
  readonly question: string;
  readonly answer: string;
  readonly kind: string;
  /** what the published implementation says */
  readonly pytorch: string;
}

/** POPE's measures (Li et al. 2023, section 4): "yes" is the positive class, and whatever says neither no nor not is a yes. */
function popeScores(pairs: readonly { readonly said: string; readonly label: string }[]): {
  readonly accuracy: number;
  readonly f1: number;
} {
  const counts = { tp: 0, fp: 0, tn: 0, fn: 0 };
  for (const { said, label } of pairs) {
    const [sentence = ""] = said.split(".");
    const words = sentence.replaceAll(",", "").split(" ");
    const yes = !words.some((word) => ["No", "not", "no"].includes(word));
    if (label === "yes") counts[yes ? "tp" : "fn"]++;
    else counts[yes ? "fp" : "tn"]++;
  }
  const { tp, fp, tn, fn } = counts;
  const [precision, recall] = [tp / (tp + fp), tp / (tp + fn)];
  return { accuracy: (tp + tn) / pairs.length, f1: (2 * precision * recall) / (precision + recall) };
}

describe("LLaVA's form", () => {
  it("goes in and out, and a scorer of its benchmarks reads it", async () => {
    const drawn = lines(await readFile(drawing("eval.jsonl"), "utf8")).map(
      (line) => JSON.parse(line) as Drawn,
    );
    const rows = drawn.map(({ image, question }, index) => ({
      question_id: index + 1,
      image,
      text: question,
    }));
    await writeFile(place.path("pope.json"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const words = ["--questions", "pope.json", "--image-dir", DRAWINGS_FOLDER, "-o", "answers.jsonl"];
    const { status, stdout } = await place.run(["ask", "-m", "demo", "--quiet", ...words]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    const answers = lines(await readFile(place.path("answers.jsonl"), "utf8")).map(
      (line) => JSON.parse(line) as { question_id: number; prompt: string; text: string; model_id: string },
    );
    expect(answers.map(({ question_id, prompt }) => [question_id, prompt])).toEqual(
      rows.map(({ question_id, text }) => [question_id, text]),
    );
    const asked = drawn.map((row, index) => ({ ...row, said: answers[index]?.text ?? "" }));
    const exist = asked.filter(({ kind }) => kind === "exist");
    expect(exist.length).toBeGreaterThan(20);
    const labelled = exist.map((row) => ({ ...row, label: row.answer === "Yes." ? "yes" : "no" }));
    const ours = popeScores(labelled);
    const published = popeScores(labelled.map(({ pytorch, label }) => ({ said: pytorch, label })));
    expect(ours.accuracy).toBeCloseTo(published.accuracy, 1);
    expect(ours.f1).toBeCloseTo(published.f1, 1);
  });
});

/** A line of a batch. */
function batchLine(id: string, url: string, more: object = {}): string {
  const content = [
    { type: "text", text: QUESTION },
    { type: "image_url", image_url: { url } },
  ];
  const body = { model: "any", messages: [{ role: "user", content }], ...more };
  return JSON.stringify({ custom_id: id, method: "POST", url: "/v1/chat/completions", body });
}

describe("an OpenAI batch", () => {
  it("has an error line for a bad picture and for a bad line, and answers the others", async () => {
    const red = `data:image/png;base64,${(await readFile(RED_CIRCLE)).toString("base64")}`;
    const other = `data:image/png;base64,${(await readFile(drawing("086.png"))).toString("base64")}`;
    const batch = [
      batchLine("a", red),
      batchLine("b", "none.png"),
      batchLine("c", red, { n: 3 }),
      "{",
      batchLine("d", other),
    ];
    const words = ["ask", "-m", "demo", "--quiet", "--questions", "-", "-o", "batch.jsonl", "--resume"];
    const stdin = batch.join("\n");
    expect((await place.run(words, { stdin })).status).toBe(3);
    const rows = async (): Promise<Record<string, unknown>[]> =>
      lines(await readFile(place.path("batch.jsonl"), "utf8")).map(
        (text) => JSON.parse(text) as Record<string, unknown>,
      );
    const first = await rows();
    expect(first.map(({ custom_id }) => custom_id)).toEqual(["a", "b", "c", expect.any(String), "d"]);
    expect(first).toMatchObject([
      { response: { status_code: 200, body: { choices: [{ message: { content: "Red." } }] } }, error: null },
      { response: { status_code: 400 }, error: { code: "image-not-found" } },
      { response: { status_code: 400 }, error: { code: "question-invalid" } },
      { response: { status_code: 400 }, error: { code: "question-invalid" } },
      { response: { status_code: 200 } },
    ]);
    // pictures that begin alike are told apart when the run goes on
    expect((await place.run(words, { stdin })).status).not.toBe(2);
    const answered = (await rows()).filter(({ error }) => error === null);
    expect(answered.map(({ custom_id }) => custom_id)).toEqual(["a", "d"]);
  });
});
