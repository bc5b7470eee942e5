import { readFileSync } from "node:fs";
import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readDrawings } from "../demo/demo-model.ts";
import { DRAWINGS_FOLDER, lines, Place } from "./binary.ts";
import { CATEGORIES, makePope, type PopeQuestion } from "./eval-pope.ts";

interface Report {
  readonly task: string;
  readonly protocol?: string;
  readonly samples: { asked: number; answered: number; failed: number; missing: number };
  readonly score: {
    readonly name: string;
    readonly value: number;
    readonly interval: { readonly low: number; readonly high: number };
  };
  readonly details: readonly { readonly name: string; readonly value: number; readonly samples?: number }[];
  readonly [field: string]: unknown;
}

interface AnswerRow {
  readonly question_id: number;
  readonly prompt: string;
  readonly text: string;
  readonly model_id: string;
}

const place = new Place();

function detail({ details }: Report, name: string): number {
  const found = details.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no figure is called ${name}`);
  return found.value;
}

async function evaluated(...words: readonly string[]): Promise<Report> {
  const { status, stdout, stderr } = await place.run(["eval", ...words, "--json"]);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Report;
}

function rowsOf(path: string): AnswerRow[] {
  return lines(readFileSync(path, "utf8")).map((line) => JSON.parse(line) as AnswerRow);
}

/** Changes a copy of the data, and runs on it. @returns the one line that says what is wrong */
async function refused(
  data: string,
  change: (folder: string) => Promise<void>,
  ...words: string[]
): Promise<string> {
  const folder = place.path("bad");
  await rm(folder, { recursive: true, force: true });
  await cp(data, folder, { recursive: true, verbatimSymlinks: true });
  await change(folder);
  const { status, stdout, stderr } = await place.run([
    "eval",
    "pope",
    "--data",
    folder,
    "-m",
    "demo",
    ...words,
  ]);
  expect([status, stdout]).toEqual([2, ""]);
  const errors = lines(stderr).filter((line) => line.startsWith("error: "));
  expect(errors, stderr).toHaveLength(1);
  return errors[0] ?? "";
}

beforeAll(async () => place.convertDemo());

describe("eval demo", () => {
  it("counts on the 200 drawings what PyTorch's own answers make, with EmbQ and without", async () => {
    const drawings = await readDrawings();
    const report = await evaluated("demo", "--data", DRAWINGS_FOLDER);
    expect(report.samples).toEqual({ asked: 400, answered: 400, failed: 0, missing: 0 });
    const right = (field: "pytorch" | "no_embq"): number =>
      (100 * drawings.filter((drawing) => drawing[field] === drawing.answer).length) / drawings.length;
    expect(Math.abs(report.score.value - right("pytorch"))).toBeLessThanOrEqual(0.5);
    expect(Math.abs(detail(report, "without EmbQ") - right("no_embq"))).toBeLessThanOrEqual(0.5);
    for (const kind of new Set(drawings.map((drawing) => drawing.kind))) {
      const of = drawings.filter((drawing) => drawing.kind === kind);
      const rightOf = (100 * of.filter(({ pytorch, answer }) => pytorch === answer).length) / of.length;
      expect(Math.abs(detail(report, kind) - rightOf), kind).toBeLessThanOrEqual(100 / of.length + 0.01);
    }
  });

  it("counts what ask answers, to the last one", async () => {
    const drawings = await readDrawings();
    const report = await evaluated("demo", "--data", DRAWINGS_FOLDER);
    const counted = async (...flags: string[]): Promise<number> => {
      const questions = ["--questions", join(DRAWINGS_FOLDER, "eval.jsonl"), "--image-dir", DRAWINGS_FOLDER];
      const { stdout } = await place.run(["ask", "-m", "demo", ...questions, "--json", ...flags]);
      const answers = lines(stdout).map((line) => (JSON.parse(line) as { readonly answer: string }).answer);
      expect(answers).toHaveLength(drawings.length);
      return drawings.filter(({ answer }, index) => answers[index] === answer).length;
    };
    expect(report.score.value).toBeCloseTo((100 * (await counted())) / drawings.length, 6);
    expect(detail(report, "without EmbQ")).toBeCloseTo(
      (100 * (await counted("--no-embq"))) / drawings.length,
      6,
    );
  });

  it("makes drawings of its own, which the model knows nearly as well", async () => {
    const report = await evaluated("demo", "--limit", "120");
    expect(report).toMatchObject({
      task: "demo",
      model: "demo",
      quant: "f16",
      vision_precision: "fp32",
      split: "120 drawings, made here (seed 0)",
    });
    expect(report.samples.answered).toBe(240);
    expect(report["embq"]).toBe("both");
    expect(detail(report, "plain")).toBeGreaterThanOrEqual(80);
    expect(report.score.value).toBeGreaterThan(detail(report, "without EmbQ") + 10);
    expect(report.score.interval.low).toBeLessThan(report.score.value);
    expect(report.score.interval.high).toBeGreaterThan(report.score.value);
  });
});

describe("eval pope", () => {
  let data: string;
  let questions: PopeQuestion[];

  beforeAll(async () => {
    data = place.path("pope");
    questions = await makePope(data);
  });

  const pope = async (...words: readonly string[]): Promise<Report> =>
    evaluated("pope", "--data", data, "-m", "demo", ...words);

  /** The four numbers of a category, counted plainly. */
  function plainly(category: string, rows: readonly AnswerRow[]): number[] {
    let [tp, fp, tn, fn] = [0, 0, 0, 0];
    for (const { question_id, label } of questions.filter((question) => question.category === category)) {
      const { text = "" } = rows.find((row) => row.question_id === question_id) ?? {};
      const yes = !/^No\b/.test(text);
      if (yes && label === "yes") tp++;
      else if (yes) fp++;
      else if (label === "no") tn++;
      else fn++;
    }
    const [precision, recall] = [tp / (tp + fp), tp / (tp + fn)];
    return [
      (100 * (tp + tn)) / (tp + fp + tn + fn),
      100 * precision,
      100 * recall,
      (100 * 2 * precision * recall) / (precision + recall),
    ];
  }

  it("gives the numbers of a plain computation, and the answers in LLaVA's form", async () => {
    const file = place.path("whole.jsonl");
    const report = await pope("-o", file);
    const rows = rowsOf(file);
    expect(rows.map(({ question_id }) => question_id)).toEqual(
      questions.map(({ question_id }) => question_id),
    );
    expect(rows.map(({ prompt }) => prompt)).toEqual(questions.map(({ text }) => text));
    const figures = CATEGORIES.map((category) => {
      const found = ["accuracy", "precision", "recall", "F1"].map((name) =>
        detail(report, `${name}, ${category}`),
      );
      const expected = plainly(category, rows);
      for (const [index, figure] of found.entries()) expect(figure).toBeCloseTo(expected[index] ?? -1, 9);
      return found;
    });
    expect(figures.flat().some((figure) => figure < 100)).toBe(true); // else nothing was compared
    expect(report.score.value).toBeCloseTo(figures.reduce((sum, [, , , f1 = 0]) => sum + f1, 0) / 3, 9);
    expect(report).toMatchObject({
      protocol: "llava",
      samples: { asked: 53, answered: 53 },
      paper: { flashsloth: 86.3, flashslothHd: 87.2 },
      unreadable: { answers: 0, share: 0 },
      ocr: false,
      max_tokens: 2000,
      quant: "f16",
      vision_precision: "fp32",
      embq: true,
      answers: file,
    });
  });

  it("scores a file of answers without asking, and shards of it put together", async () => {
    const whole = await pope();
    const [one, two] = [place.path("1.jsonl"), place.path("2.jsonl")];
    const first = await pope("--shard", "1/2", "-o", one);
    const second = await pope("--shard", "2/2", "-o", two);
    expect(first.samples.asked + second.samples.asked).toBe(53);
    expect(Math.min(first.samples.asked, second.samples.asked)).toBeGreaterThan(0);
    const both = place.path("both.jsonl");
    await writeFile(both, (await readFile(two, "utf8")) + (await readFile(one, "utf8")));
    const again = await pope("--answers", both);
    expect(again.score).toEqual(whole.score);
    expect(again.details).toEqual(whole.details);
    expect(again).toMatchObject({ model: "demo", quant: "f16", answers: both });
    const half = await pope("--answers", one);
    expect(half.samples).toEqual({
      asked: 53,
      answered: first.samples.asked,
      failed: 0,
      missing: second.samples.asked,
    });
    expect(half.score).toEqual(first.score);
  });

  it("goes on where a run was cut off", async () => {
    const whole = await pope("--limit", "20");
    const file = place.path("cut.jsonl");
    await pope("--limit", "20", "-o", file);
    const length = (await readFile(file)).byteLength;
    await truncate(file, Math.floor(length / 2));
    const { stdout, stderr, status } = await place.run(
      `eval pope --data ${data} -m demo --limit 20 -o ${file} --resume --json`.split(" "),
    );
    expect(status).toBe(0);
    const skipped = Number(/(\d+) skipped/.exec(stderr)?.[1]);
    expect(skipped).toBeGreaterThan(5);
    expect(skipped).toBeLessThan(15);
    expect((JSON.parse(stdout) as Report).score).toEqual(whole.score);
    expect(rowsOf(file)).toHaveLength(20);
  });

  it("prints a table that says everything that matters", async () => {
    const { stdout, status } = await place.run([
      "eval",
      "pope",
      "--data",
      data,
      "-m",
      "demo",
      "--limit",
      "6",
    ]);
    expect(status).toBe(0);
    for (const part of [
      "pope, protocol llava",
      "(the first 6)",
      "6 of 6 answered",
      "Answer the question using a single word or phrase.",
      "OCR in the prompt",
      "fp32",
      "FlashSloth 86.3, FlashSloth HD 87.2",
      "95 % of 1000 resamplings",
    ]) {
      expect(stdout).toContain(part);
    }
  });

  it("counts a picture that is not there as failed, and says so by its status", async () => {
    const broken = place.path("broken");
    await cp(data, broken, { recursive: true, verbatimSymlinks: true });
    await rm(`${broken}/val2014`);
    await cp(DRAWINGS_FOLDER, `${broken}/val2014`, { recursive: true });
    await rm(`${broken}/val2014/${questions[0]?.image ?? ""}`);
    const words = ["eval", "pope", "--data", broken, "-m", "demo", "--limit", "4", "--json"];
    const { status, stdout, stderr } = await place.run(words);
    expect(status).toBe(3);
    expect((JSON.parse(stdout) as Report).samples).toEqual({ asked: 4, answered: 3, failed: 1, missing: 0 });
    expect(stderr).toContain("no such file");
  });

  describe("with bad data", () => {
    it("names the file that is missing, and what it is for", async () => {
      const questionFile = await refused(data, async (folder) => rm(`${folder}/llava_pope_test.jsonl`));
      expect(questionFile).toContain("llava_pope_test.jsonl (llava: the questions)");
      const labels = await refused(data, async (folder) => rm(`${folder}/coco/coco_pope_popular.json`));
      expect(labels).toMatch(/coco\/coco_pope_popular\.json is not there: eval pope reads the labels/);
      const pictures = await refused(data, async (folder) => rm(`${folder}/val2014`));
      expect(pictures).toMatch(/val2014 is not there: eval pope reads the pictures/);
    });

    it("names the line that cannot be read", async () => {
      const message = await refused(data, async (folder) =>
        writeFile(`${folder}/coco/coco_pope_random.json`, '{"label": "yes"}\n{"label": "maybe"}\n'),
      );
      expect(message).toMatch(/coco_pope_random\.json:2: `label`/);
    });

    it("refuses labels that are too few or too many", async () => {
      const label = '{"label": "no"}\n';
      const few = await refused(data, async (folder) =>
        writeFile(`${folder}/coco/coco_pope_random.json`, label.repeat(3)),
      );
      expect(few).toContain("has 3 labels");
      const many = await refused(data, async (folder) =>
        writeFile(`${folder}/coco/coco_pope_random.json`, label.repeat(30)),
      );
      expect(many).toContain("has 30 labels");
    });

    it("never writes answers over what they are about", async () => {
      const message = await refused(data, async () => {}, "-o", place.path("bad/llava_pope_test.jsonl"));
      expect(message).toContain("would overwrite");
      expect(rowsOf(place.path("bad/llava_pope_test.jsonl"))).toHaveLength(53);
    });
  });
});

describe("eval", () => {
  it.each([
    [["eval"], "which benchmark?"],
    [["eval", "pope"], "eval pope needs --data"],
    [["eval", "pop"], "pope"],
    [["eval", "demo", "--protocol", "llava"], "no protocol"],
    [["eval", "demo", "--resume"], "--resume needs the file"],
    [["eval", "demo", "--force"], "--force needs --resume"],
    [["eval", "pope", "--data", ".", "--protocol", "lmms"], "llava"],
  ])("refuses %j in one line", async (words, message) => {
    const { status, stdout, stderr } = await place.run(words);
    expect([status, stdout]).toEqual([2, ""]);
    expect(lines(stderr)[0]).toContain(message);
  });

  it("lists what each benchmark needs, and where to get it", async () => {
    const { status, stdout } = await place.run(["eval", "--list"]);
    expect(status).toBe(0);
    expect(stdout).toContain("DIR/coco/coco_pope_popular.json");
    expect(stdout).toContain("AoiDragon/POPE");
    for (const judged of [
      "MM-Vet's evaluator",
      "MathVista's evaluation/extract_answer.py",
      "MMMU's main_parse_and_eval.py",
    ])
      expect(stdout).toContain(`answers only, for ${judged} to score`);
    const { stdout: json } = await place.run(["eval", "pope", "--list", "--json"]);
    expect(JSON.parse(json)).toMatchObject({
      task: "pope",
      protocols: [
        { protocol: "llava", scored: true },
        { protocol: "lmms-eval", scored: true },
      ],
    });
  });
});
