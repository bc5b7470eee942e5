import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { readDrawings } from "../demo/demo-model.ts";
import { parquet } from "../eval/write-parquet.ts";
import { drawing, lines, Place } from "./binary.ts";

const place = new Place();
beforeAll(async () => place.convertDemo());

interface Answer {
  readonly question_id: string;
  readonly text: string;
}

it("a benchmark in Parquet files is asked and scored, its pictures by their ids", async () => {
  const drawings = (await readDrawings()).filter(({ kind }) => kind === "color");
  const data = place.path("gqa");
  for (const name of ["instructions", "images"]) {
    await mkdir(join(data, `testdev_balanced_${name}`), { recursive: true });
  }
  await writeFile(
    join(data, "testdev_balanced_instructions/testdev-00000-of-00001.parquet"),
    parquet(
      {
        id: { texts: drawings.map(({ image }) => `q-${image}`) },
        imageId: { texts: drawings.map(({ image }) => image) },
        question: { texts: drawings.map(({ question }) => question) },
        answer: { texts: drawings.map(({ answer }) => answer.toLowerCase().replace(".", "")) },
      },
      { rowGroupSize: 10 },
    ),
  );
  const shuffled = drawings.toReversed();
  await writeFile(
    join(data, "testdev_balanced_images/testdev-00000-of-00001.parquet"),
    parquet(
      {
        id: { texts: shuffled.map(({ image }) => image) },
        image: { pictures: await Promise.all(shuffled.map(async ({ image }) => readFile(drawing(image)))) },
      },
      { rowGroupSize: 3 },
    ),
  );
  const file = place.path("gqa.jsonl");
  const { status, stdout, stderr } = await place.run([
    "eval",
    "gqa",
    "--data",
    data,
    "-m",
    "demo",
    "-o",
    file,
    "--json",
  ]);
  expect(status, stderr).toBe(0);
  const rows = lines(readFileSync(file, "utf8")).map((line) => JSON.parse(line) as Answer);
  expect(rows.map(({ question_id }) => question_id)).toEqual(drawings.map(({ image }) => `q-${image}`));
  const right = rows.filter(
    ({ text }, index) =>
      text.toLowerCase().replaceAll(".", "") === drawings[index]?.answer.toLowerCase().replace(".", ""),
  );
  expect(right.length).toBeGreaterThan(drawings.length / 2); // the demo model looked at the right drawings
  expect(JSON.parse(stdout)).toMatchObject({
    task: "gqa",
    protocol: "lmms-eval",
    samples: { asked: drawings.length, answered: drawings.length },
    score: { value: (100 * right.length) / drawings.length },
    max_tokens: 16,
  });
});

it("answers to what others judge are written, and not scored", async () => {
  const data = place.path("mmvet");
  await mkdir(join(data, "data"), { recursive: true });
  await writeFile(
    join(data, "data/test-00000-of-00001.parquet"),
    parquet({
      question_id: { texts: ["v1_0"] },
      question: { texts: ["What color is the circle?"] },
      answer: { texts: ["red"] },
      image: { pictures: [await readFile(drawing("023.png"))] },
    }),
  );
  const file = place.path("mmvet.jsonl");
  const { status, stdout } = await place.run(["eval", "mmvet", "--data", data, "-m", "demo", "-o", file]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^score +none$/m);
  expect(stdout).toContain("GPT-4 is the judge");
  const { question_id, text } = JSON.parse(readFileSync(file, "utf8")) as Answer;
  expect(question_id).toBe("v1_0");
  expect(json(`${file}.mmvet.json`)).toEqual({ v1_0: text });
});

function json(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

it("answers to MathVista are written as its extract_answer.py reads them", async () => {
  const data = place.path("mathvista");
  const question = "What color is the circle?";
  await mkdir(data);
  await writeFile(
    join(data, "testmini-00000-of-00001.parquet"),
    parquet({
      pid: { texts: ["7", "8"] },
      question: { texts: [question, "How many shapes are there?"] },
      image: { texts: ["images/7.jpg", "images/8.jpg"] },
      decoded_image: { pictures: [await readFile(drawing("023.png")), null] },
      choices: { lists: [["red", "blue"], []] },
      unit: { texts: [null, null] },
      precision: { doubles: [null, null] },
      answer: { texts: ["red", "1"] },
      question_type: { texts: ["multi_choice", "free_form"] },
      answer_type: { texts: ["text", "integer"] },
      metadata: {
        fields: { img_width: { numbers: [200, 200] }, skills: { lists: [["geometry reasoning"], []] } },
      },
    }),
  );
  const file = place.path("mathvista.jsonl");
  const run = await place.run(["eval", "mathvista", "--data", data, "-m", "demo", "-o", file, "--json"]);
  expect(run.status, run.stderr).toBe(3); // one has no picture
  const [first = ""] = lines(readFileSync(file, "utf8"));
  const { text } = JSON.parse(first) as Answer;
  expect(text).not.toBe("");
  const report = JSON.parse(run.stdout) as Record<string, unknown>;
  expect(report).toMatchObject({
    samples: { asked: 2, answered: 1, failed: 1 },
    max_tokens: 1024,
    paper: { flashsloth: 42.5 },
    handover: { path: `${file}.mathvista.json`, to: "MathVista's evaluation/extract_answer.py" },
  });
  expect(report).not.toHaveProperty("score");
  expect(json(`${file}.mathvista.json`)).toEqual({
    "7": {
      pid: "7",
      question,
      image: "images/7.jpg",
      choices: ["red", "blue"],
      unit: null,
      precision: null,
      answer: "red",
      question_type: "multi_choice",
      answer_type: "text",
      metadata: { img_width: 200, skills: ["geometry reasoning"] },
      query: `${question}\nA. red\nB. blue\nAnswer with the option's letter from the given choices directly.`,
      response: text,
    },
  });
});

it("answers to MMMU are written as its main_parse_and_eval.py reads them, also those of a file", async () => {
  const data = place.path("mmmu");
  const pictures = await Promise.all(
    ["023.png", "024.png", "023.png"].map(async (name) => readFile(drawing(name))),
  );
  await mkdir(join(data, "data"), { recursive: true });
  await writeFile(
    join(data, "data/validation-00000-of-00001.parquet"),
    parquet({
      id: { texts: ["validation_Art_1", "validation_Art_Theory_2", "validation_Art_3"] },
      question: {
        texts: ["What color is it in <image 1>?", "How many shapes?<image 1>", "<image 1><image 2>?"],
      },
      options: { texts: [`['red', "blue"]`, "[]", "['a', 'b']"] },
      answer: { texts: ["A", "['1', 'one']", "B"] },
      question_type: { texts: ["multiple-choice", "open", "multiple-choice"] },
      image_1: { pictures },
      ...Object.fromEntries([2, 3, 4, 5, 6, 7].map((number) => [`image_${number}`, { pictures }])),
    }),
  );
  const file = place.path("mmmu.jsonl");
  const run = await place.run(["eval", "mmmu", "--data", data, "-m", "demo", "-o", file]);
  expect(run.status, run.stderr).toBe(0);
  expect(run.stdout).toMatch(/^samples +2 of 2 answered, 1 more left out$/m);
  expect(run.stdout).toMatch(/^score +none$/m);
  expect(run.stdout).toContain(`${file}.mmmu, for MMMU's main_parse_and_eval.py`);
  expect(run.stdout).toContain("questions about several pictures are left out");
  const [one, two] = lines(readFileSync(file, "utf8")).map((line) => (JSON.parse(line) as Answer).text);
  const expected = [
    [
      {
        id: "validation_Art_1",
        question_type: "multiple-choice",
        answer: "A",
        all_choices: ["A", "B"],
        index2ans: { A: "red", B: "blue" },
        response: one,
      },
    ],
    [{ id: "validation_Art_Theory_2", question_type: "open", answer: ["1", "one"], response: two }],
  ];
  const written = (): unknown[] =>
    ["Art", "Art_Theory"].map((name) => json(`${file}.mmmu/${name}/output.json`));
  expect(written()).toEqual(expected);
  const [stale, kept] = ["Music/output.json", "Art/result.json"].map((name) => join(`${file}.mmmu`, name));
  await rm(`${file}.mmmu/Art/output.json`);
  await mkdir(`${file}.mmmu/Music`);
  for (const path of [stale, kept]) await writeFile(path ?? "", "{}");
  const again = await place.run(["eval", "mmmu", "--data", data, "--answers", file, "--json"]);
  expect(again.status, again.stderr).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ samples: { asked: 2, left_out: 1 } });
  expect(written()).toEqual(expected);
  expect([stale, kept].map((path) => existsSync(path ?? ""))).toEqual([false, true]);
  await rm(`${file}.mmmu`, { recursive: true });
  await writeFile(`${file}.mmmu`, "in the way");
  const refused = await place.run(["eval", "mmmu", "--data", data, "--answers", file]);
  expect([refused.status, refused.stdout]).toEqual([1, ""]);
  expect(refused.stderr).toContain(`${file}.mmmu`);
});
