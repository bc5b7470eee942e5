import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TASK_NAMES, type TaskName } from "../../../src/eval/names.ts";
import { openTask } from "../../../src/eval/open.ts";
import type { Protocol } from "../../../src/eval/protocols.ts";
import type { Sample, Truth } from "../../../src/eval/task.ts";
import { COPIES, mmmuRows, PICTURE, SECOND, writeCopy } from "./copies.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "flashsloth-eval-"));
  for (const { task, protocol, files } of COPIES) await writeCopy(join(root, task, protocol), files);
});
afterAll(async () => rm(root, { recursive: true, force: true }));

async function allOf<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

interface Read {
  readonly prompts: readonly string[];
  readonly truths: readonly Truth[];
  readonly ids: readonly (string | number)[];
  readonly bytes: readonly (readonly number[])[];
}

async function bytesOf({ picture }: Sample): Promise<number[]> {
  if (picture instanceof Error) throw picture;
  if (typeof picture === "string") return [...(await readFile(picture))];
  return [...(picture instanceof Uint8Array ? picture : await picture.read(new AbortController().signal))];
}

async function read(task: TaskName, protocol: Protocol): Promise<Read> {
  const {
    samples,
    total,
    protocol: found,
  } = await openTask({ name: task, data: join(root, task, protocol) });
  expect(found).toBe(protocol); // told by the files
  const all = await allOf(samples.read(true));
  const blind = await allOf(samples.read(false));
  expect(blind.map(({ id, prompt, truth, name }) => ({ id, prompt, truth, name }))).toEqual(
    all.map(({ id, prompt, truth, name }) => ({ id, prompt, truth, name })),
  );
  expect(total.samples).toBe(all.length);
  expect((await allOf(samples.jobs(total.jobs))).length).toBe(total.jobs);
  expect(all.every(({ name }) => !name.includes(root))).toBe(true);
  return {
    prompts: all.map(({ prompt }) => prompt),
    truths: all.map(({ truth }) => truth),
    ids: all.map(({ id }) => id),
    bytes: await Promise.all(all.map(bytesOf)),
  };
}

const SHORT = "\nAnswer the question using a single word or phrase.";
const LETTER = "\nAnswer with the option's letter from the given choices directly.";
const both = [[...PICTURE], [...SECOND]];

describe("a copy is read, and asked as the authors ask", () => {
  it("POPE, llava: labels by their order in each category", async () => {
    const { prompts, truths, ids, bytes } = await read("pope", "llava");
    expect(prompts).toEqual(["cat", "dog", "cow"].map((what) => `Is there a ${what}?${SHORT}`));
    expect(truths.map(({ answers }) => answers[0])).toEqual(["yes", "no", "no"]);
    expect(ids).toEqual([1, 2, 3]);
    expect(bytes).toEqual([...both, both[0]]);
  });

  it("POPE, lmms-eval", async () => {
    const { prompts, truths, ids, bytes } = await read("pope", "lmms-eval");
    expect(prompts).toEqual([`Is there a cat?${SHORT}`, `Is there a dog?${SHORT}`]);
    expect(truths).toEqual([
      { answers: ["yes"], category: "random" },
      { answers: ["no"], category: "popular" },
    ]);
    expect(ids).toEqual(["random/1", "popular/1"]);
    expect(bytes).toEqual(both);
  });

  it("MME, llava: answers from the text files, however they space and suffix the question", async () => {
    const { prompts, truths, bytes } = await read("mme", "llava");
    expect(prompts[2]).toBe(`Is it old? Please answer yes or no.${SHORT}`);
    expect(truths).toEqual([
      { answers: ["yes"], category: "OCR", group: "OCR/1.jpg" },
      { answers: ["no"], category: "OCR", group: "OCR/1.jpg" },
      { answers: ["no"], category: "artwork", group: "artwork/2.jpg" },
    ]);
    expect(bytes).toEqual([both[0], both[0], both[1]]);
  });

  it("MME, lmms-eval", async () => {
    const { prompts, truths } = await read("mme", "lmms-eval");
    expect(prompts).toEqual([`Is it A?${SHORT}`, `Is it B?${SHORT}`]);
    expect(truths.map(({ answers: [answer], group }) => [answer, group])).toEqual([
      ["yes", "OCR/OCR/1.jpg"],
      ["no", "OCR/OCR/1.jpg"],
    ]);
  });

  it("GQA, llava", async () => {
    const { prompts, truths, ids, bytes } = await read("gqa", "llava");
    expect([prompts, truths, ids, bytes]).toEqual([
      [`What is it?${SHORT}`],
      [{ answers: ["dog"] }],
      ["201"],
      [[...PICTURE]],
    ]);
  });

  it("GQA, lmms-eval: pictures by their ids", async () => {
    const { prompts, truths, bytes } = await read("gqa", "lmms-eval");
    expect(prompts[1]).toBe(`Where?${SHORT}`);
    expect(truths.map(({ answers }) => answers[0])).toEqual(["dog", "left", "man"]);
    expect(bytes).toEqual([both[1], both[0], both[1]]);
  });

  it("TextVQA, llava: with OCR tokens", async () => {
    const { prompts, truths } = await read("textvqa", "llava");
    expect(prompts).toEqual([`What Brand?\nReference OCR token: nokia, 3310${SHORT}`]);
    expect(truths[0]?.answers).toHaveLength(10);
  });

  it("TextVQA, lmms-eval: without", async () => {
    const { prompts, truths, ids } = await read("textvqa", "lmms-eval");
    expect(prompts[0]).toBe(`What does the nhl say?${SHORT}`);
    expect(truths[1]).toEqual({ answers: ["toyota"] });
    expect(ids).toEqual([34602, 34603]);
  });

  it("ScienceQA, lmms-eval", async () => {
    const { prompts, truths } = await read("scienceqa", "lmms-eval");
    expect(prompts).toEqual([
      `Context: Look.\nWhich?\nA. one\nB. two${LETTER}`,
      `What?\nA. red\nB. blue\nC. green${LETTER}`,
    ]);
    expect(truths.map(({ answers }) => answers[0])).toEqual(["B", "C"]);
  });

  it("MMBench, llava: a table with quoted cells over several lines", async () => {
    const { prompts, truths, bytes } = await read("mmbench", "llava");
    expect(prompts).toEqual([
      `A "hint"\n\nover three lines\nWhich?\nA. red\nB. blue${LETTER}`,
      `Which?\nA. blue\nB. red${LETTER}`,
    ]);
    expect(truths).toEqual([
      { answers: ["B"], options: ["red", "blue"], category: "color", group: "5" },
      { answers: ["A"], options: ["blue", "red"], category: "color", group: "5" },
    ]);
    expect(bytes).toEqual(both);
  });

  it("MMBench, lmms-eval", async () => {
    const { prompts, truths } = await read("mmbench", "lmms-eval");
    expect(prompts).toEqual([
      `A hint. Which? There are several options:\nA. red\nB. blue\n${LETTER}`,
      `Which? There are several options:\nA. blue\nB. red\n${LETTER}`,
    ]);
    expect(truths.map(({ group }) => group)).toEqual(["5", "5"]);
  });

  it("AI2D, ChartQA, DocVQA, SEED-Bench and RealWorldQA, lmms-eval", async () => {
    const ai2d = await read("ai2d", "lmms-eval");
    expect(ai2d.prompts[0]).toBe(`Which?\nA. a\nB. b${LETTER}`);
    expect(ai2d.truths.map(({ answers }) => answers[0])).toEqual(["B", "D"]);
    const chartqa = await read("chartqa", "lmms-eval");
    expect(chartqa.prompts[0]).toBe("How many?\nAnswer the question with a single word.");
    expect(chartqa.truths.map(({ category }) => category)).toEqual(["human", "augmented"]);
    const docvqa = await read("docvqa", "lmms-eval");
    expect(docvqa.prompts[1]).toBe(`Who?${SHORT}`);
    expect(docvqa.truths[1]).toEqual({ answers: ["Ann", "Ann B."] });
    const seed = await read("seed", "lmms-eval");
    expect(seed.prompts).toEqual([`How many?\nA. One\nB. Two\nC. Three\nD. Four${LETTER}`]); // no video
    expect(seed.bytes).toEqual([both[0]]);
    const real = await read("realworldqa", "lmms-eval");
    expect(real.prompts[1]).toBe("How many?");
    expect(real.truths[0]).toEqual({ answers: ["A"], options: ["Left", "Right"] });
  });

  it("MM-Vet, lmms-eval: answers only", async () => {
    const { prompts, ids } = await read("mmvet", "lmms-eval");
    expect(ids).toEqual(["v1_0", "v1_1"]);
    expect(prompts[1]).toBe(
      "First please perform reasoning, and think step by step to provide best answer to the following question: \n\nWhy?",
    );
  });

  it("MathVista, lmms-eval: a hint at the answer's form", async () => {
    const { prompts, ids, truths, bytes } = await read("mathvista", "lmms-eval");
    expect(ids).toEqual(["1", "2", "3", "4", "5"]);
    expect(prompts).toEqual([
      `Which shape?\nA. circle\nB. square${LETTER}`,
      "How far? (Unit: cm)\nAnswer the question using a single floating-point number with one decimal place.",
      "How many?\nAnswer the question using a single integer number.",
      "Between which years?\nAnswer the question using a Python list.",
      "What share?\nAnswer the question using a single floating-point number with two decimal places.",
    ]);
    expect(truths[3]).toEqual({ answers: ["[2007, 2008]"] });
    expect(bytes).toEqual([...both, ...both, both[0]]);
  });

  it("MMMU, lmms-eval: the picture that a question names, and none of several", async () => {
    const { prompts, ids, bytes } = await read("mmmu", "lmms-eval");
    expect(ids).toEqual(["validation_Art_Theory_7", "validation_Art_Theory_9"]);
    expect(prompts).toEqual([
      `What is <image 1>? See <image 1>.\nA. red\nB. the owner's\nC. a\nb\n${LETTER}`,
      `How many are in <image 2>?\n${SHORT}`,
    ]);
    expect(bytes).toEqual(both);
  });

  it("MMMU as its authors publish it, a folder for each subject", async () => {
    const data = join(root, "subjects");
    await writeCopy(data, {
      "Music/validation-00000-of-00001.parquet": mmmuRows("Music"),
      "Art/validation-00000-of-00001.parquet": mmmuRows("Art"),
      "Art/test-00000-of-00001.parquet": "no Parquet",
      "README.md": "no folder",
    });
    const { samples, total } = await openTask({ name: "mmmu", data });
    const all = await allOf(samples.read(true));
    expect(all.map(({ id, name }) => [id, name])).toEqual(
      ["Art_7", "Art_9", "Music_7", "Music_9"].map((id) => [`validation_${id}`, `validation_${id}`]),
    );
    expect(total).toEqual({ samples: 4, jobs: 4, leftOut: 2 });
  });

  it("every task is among these", () => {
    const tasks = new Set(COPIES.map(({ task }) => task));
    expect(TASK_NAMES.filter((name) => !tasks.has(name))).toEqual(["demo"]);
  });
});

describe("what is missing", () => {
  const cases = COPIES.flatMap(({ task, protocol, files }) =>
    Object.keys(files)
      .filter((file) => !/\.jpg$|\/\d\.txt$/.test(file))
      .map((file) => [task, protocol, file] as const),
  );

  it.each(cases)("of %s (%s) is named: %s", async (task, protocol, lost) => {
    const copy = COPIES.find((each) => each.task === task && each.protocol === protocol);
    if (copy === undefined) throw new Error("there is no such copy");
    const folder = join(root, "without", task, protocol);
    await rm(folder, { recursive: true, force: true });
    const { [lost]: _lost, ...rest } = copy.files;
    await writeCopy(folder, rest);
    const opened = openTask({ name: task, data: folder });
    if (lost.includes("adversarial")) return void (await opened); // nothing asks for it
    const name = /-\d+-of-\d+\.parquet$/.test(lost)
      ? lost.replace(/\d+-of-\d+/, "*")
      : lost.split("/").at(-1);
    await expect(opened).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining(name ?? ""),
      hint: expect.stringContaining("--list"),
    });
  });
});
