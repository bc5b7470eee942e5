import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job, JobSource } from "../../../../src/pipeline/job.ts";
import { openInput } from "../../../../src/pipeline/sources/bytes/input.ts";
import { openQuestions, type QuestionsFileOptions } from "../../../../src/pipeline/sources/questions/open.ts";
import { PictureFetcher } from "../../../../src/addresses/fetch.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-questions-"));
});
afterAll(async () => rm(folder, { recursive: true }));

type Options = Partial<QuestionsFileOptions>;

async function open(content: string | Uint8Array | object[], options: Options = {}): Promise<JobSource> {
  const file = join(folder, "asked");
  const lines = Array.isArray(content) ? content.map((row) => JSON.stringify(row)).join("\n") : content;
  await writeFile(file, lines);
  return openQuestions({ input: await openInput({ file }), fetcher: new PictureFetcher(), ...options });
}

async function jobsOf(content: string | Uint8Array | object[], options: Options = {}): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const job of await open(content, options)) jobs.push(job);
  return jobs;
}

/** The messages of those that failed, without the file's folder. */
function errors(jobs: readonly Job[]): (string | undefined)[] {
  return jobs.map((job) => ("error" in job ? job.error.message.replace(`${folder}/`, "") : undefined));
}

describe("our own form", () => {
  it("has pictures, and perhaps questions, ids and choices", async () => {
    const rows = [
      { image: "a.png", question: "What?", id: 7, choices: ["yes", "no"], more: 1 },
      { image: "/b.png" },
      { image: "a.png", question: null, id: "x" },
    ];
    const constraint = { kind: "choices", texts: ["yes", "no"] };
    expect(await jobsOf(rows, { questions: [{ text: "Why?" }, { text: "How?" }] })).toEqual([
      {
        id: 7,
        label: "a.png",
        input: "a.png",
        questions: [{ text: "What?", ask: { constraint, temperature: 0 } }],
      },
      { label: "/b.png", input: "/b.png", questions: [{ text: "Why?" }, { text: "How?" }] },
      { id: "x", label: "a.png", input: "a.png", questions: [{ text: "Why?" }, { text: "How?" }] },
    ]);
  });

  it("finds pictures in --image-dir, by URLs, and in the row itself", async () => {
    const images = [
      "a.png",
      "/abs.png",
      "https://x.org/a.png",
      "data:image/png;base64,AA==",
      "file:///a%20b.png",
    ];
    const rows = images.map((image) => ({ image, question: "q" }));
    const jobs = await jobsOf(rows, { imageDirectory: "pictures" });
    expect(jobs.map(({ label }) => label)).toEqual(images);
    const inputs = jobs.map((job) => ("input" in job && typeof job.input === "string" ? job.input : "read"));
    expect(inputs).toEqual(["pictures/a.png", "/abs.png", "read", "read", "/a b.png"]);
  });

  it("is a failed job for each line that cannot be read, by its number", async () => {
    const text = [
      '{"image": "a.png", "question": "q"}',
      "",
      '{"image": "b.png", "question": "q"},',
      "[1]",
      '{"question": "q", "id": 3}',
      '{"image": "c.png"}',
      '{"image": "d.png", "question": 5}',
      '{"image": "e.png", "question": "q", "choices": ["one"]}',
      '{"image": "f.png", "question": "q", "choices": 4}',
      '{"image": "g.png", "question": "q"}',
    ].join("\r\n");
    const jobs = await jobsOf(text);
    expect(errors(jobs)).toEqual([
      undefined,
      expect.stringMatching(/^asked:3: no JSON/),
      "asked:4: JSON, and no object",
      "asked:5: no picture is named by `image`",
      "asked:6: no question",
      "asked:7: `question` is no text",
      "asked:8: choices need at least two texts",
      "asked:9: `choices` is no list of texts",
      undefined,
    ]);
    expect(jobs.map(({ label }) => label.replace(`${folder}/`, ""))).toEqual([
      "a.png",
      "asked:3",
      "asked:4",
      "asked:5",
      "c.png",
      "d.png",
      "e.png",
      "f.png",
      "g.png",
    ]);
    expect(jobs[3]).toMatchObject({ id: 3, questions: [{ text: "q" }], error: { code: "question-invalid" } });
    expect(jobs.every((job) => !("error" in job) || job.error.hint !== undefined)).toBe(true);
  });

  it("says so of bytes that are no UTF-8", async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"image":"a.png","question":"q"}\n'),
      Buffer.from('{"image":"\xff.png","question":"q"}\n', "latin1"),
    ]);
    expect(errors(await jobsOf(bytes))).toEqual([undefined, "asked:2: no UTF-8 text"]);
  });
});

describe("LLaVA's form", () => {
  it("has the question in `text`", async () => {
    const rows = [
      { question_id: 1, image: "a.png", text: "Is there a dog?", category: "adversarial" },
      { question_id: 2, image: "b.png" },
    ];
    const jobs = await open(rows, { imageDirectory: "val" });
    expect(jobs).toMatchObject({ form: "llava", list: true });
    const all = await jobsOf(rows, { imageDirectory: "val" });
    expect(all[0]).toEqual({
      id: 1,
      label: "a.png",
      input: "val/a.png",
      questions: [{ text: "Is there a dog?" }],
    });
    expect(all[1]).toMatchObject({ id: 2, label: "b.png", error: { code: "question-invalid" } });
  });
});

describe("an imagefolder's metadata", () => {
  it("lies beside its pictures", async () => {
    const [job] = await jobsOf([{ file_name: "x/a.png", text: "a caption" }], { questions: [{ text: "q" }] });
    expect(job).toEqual({ label: "x/a.png", input: join(folder, "x/a.png"), questions: [{ text: "q" }] });
  });
});

describe("CSV", () => {
  it("is read by its header, with cells of several lines", async () => {
    const text =
      '\ufeffid,image,question,choices\r\n1,a.png,"two\r\nlines, and ""more""",\r\nx,b.png,why,"yes,no"\r\n';
    const jobs = await jobsOf(text);
    expect((await open(text)).form).toBe("csv");
    expect(jobs).toMatchObject([
      { id: "1", input: "a.png", questions: [{ text: 'two\nlines, and "more"' }] },
      { id: "x", questions: [{ text: "why", ask: { constraint: { texts: ["yes", "no"] } } }] },
    ]);
  });

  it("names the line where a row begins that is wrong", async () => {
    const jobs = await jobsOf('image,question\na.png,q,r\n"b\n.png"\nc.png,"open\nq');
    expect(errors(jobs)).toEqual([
      "asked:2: 3 cells, and the first line has 2",
      "asked:3: no question",
      "asked:5: a quotation mark is not closed",
    ]);
  });

  it("does not swallow the file for a quotation mark", async () => {
    const rows = Array.from({ length: 3000 }, (_, index) => `${index}.png,q`).join("\n");
    const jobs = await jobsOf(`image,question\n0.png,"q\n${rows}`);
    expect(jobs.length).toBeGreaterThan(1900);
    expect(errors(jobs).filter((error) => error !== undefined)).toHaveLength(1);
  });
});

describe("a file of no form", () => {
  it.each([
    ["", /is empty/],
    ["a.png\nb.png\n", /neither JSON nor the header/],
    ['{"picture": "a.png"}', /the fields of its first line \(picture\)/],
    ['{"image": ', /its first line is no JSON/],
    ["\xff\xfei\0m\0", /no UTF-8 text/],
  ])("is refused: %j", async (text, message) => {
    await expect(open(Buffer.from(text, "latin1"))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(message) as string,
    });
  });
});

describe("rows from a pipe", () => {
  it("come one by one", async () => {
    const stdin = new PassThrough();
    const opening = openQuestions({
      input: await openInput({ file: "-", stdin }),
      fetcher: new PictureFetcher(),
    });
    stdin.write('{"image":"a.png","question":"q"}\n');
    const jobs = await opening;
    const iterator = jobs[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ input: "a.png" });
    const second = iterator.next();
    stdin.write('{"image":"b.png","question":"q"}\n');
    expect((await second).value).toMatchObject({ input: "b.png" });
    const none = iterator.next();
    jobs.close?.();
    expect((await none).done).toBe(true);
  });
});
