import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it } from "vitest";
import { drawing, lines, Place, QUESTION, RED_CIRCLE, type Finished } from "./binary.ts";

const place = new Place();
const ask = async (...words: readonly string[]): Promise<Finished> =>
  place.run(["ask", "-m", "demo", ...words]);
const json = (text: string): unknown[] => lines(text).map((line) => JSON.parse(line) as unknown);

beforeAll(async () => {
  await place.convertDemo();
  await mkdir(place.path("set"));
  await copyFile(RED_CIRCLE, place.path("set/a.png"));
  await copyFile(drawing("086.png"), place.path("set/c.png"));
  await writeFile(place.path("set/b.png"), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]));
});

describe("answers in the form that was asked for", () => {
  it("are a table, with failures in a column of their own", async () => {
    const { status, stdout } = await ask("--format", "csv", "set", "-q", QUESTION);
    expect(status).toBe(3);
    const rows = parse(stdout, { columns: true });
    expect(rows).toMatchObject([
      { image: "set/a.png", question: QUESTION, answer: "Red.", error: "" },
      { image: "set/b.png", answer: "", error: "image-invalid" },
      { image: "set/c.png", answer: "Blue.", error: "" },
    ]);
  });

  it("are the lines of an OpenAI batch, the failed ones too", async () => {
    const { status, stdout } = await ask("--format", "openai", "set", "-q", QUESTION);
    expect(status).toBe(3);
    expect(json(stdout)).toMatchObject([
      { custom_id: "set/a.png", response: { body: { choices: [{ message: { content: "Red." } }] } } },
      { custom_id: "set/b.png", response: { status_code: 400 }, error: { code: "image-invalid" } },
      { custom_id: "set/c.png", response: { status_code: 200 }, error: null },
    ]);
  });

  it("are what LLaVA's scripts read, and a training set's metadata", async () => {
    const llava = await ask("--format", "llava", "set", "-q", QUESTION);
    expect(json(llava.stdout)).toMatchObject([
      { question_id: "set/a.png", prompt: QUESTION, text: "Red.", model_id: "demo" },
      { question_id: "set/b.png", text: "", metadata: { error: { code: "image-invalid" } } },
      { question_id: "set/c.png", text: "Blue." },
    ]);
    const hf = await ask("--format", "hf", "-o", "set/metadata.jsonl", "set", "-q", QUESTION);
    expect(hf.status).toBe(3);
    expect(json(await readFile(place.path("set/metadata.jsonl"), "utf8"))).toEqual([
      { file_name: "a.png", text: "Red." },
      { file_name: "c.png", text: "Blue." },
    ]);
  });

  it.each(["csv", "llava", "openai"])("are gone on with in %s", async (format) => {
    const words = ["--format", format, "-o", `out.${format}`, "--resume", "-q", QUESTION];
    expect(await ask(...words, RED_CIRCLE)).toMatchObject({ status: 0 });
    const { status, stderr } = await ask(...words, RED_CIRCLE, drawing("086.png"));
    expect(status).toBe(0);
    expect(stderr).toContain("1 answered, 0 failed, 1 skipped");
    const whole = await readFile(place.path(`out.${format}`), "utf8");
    expect(await ask(...words, RED_CIRCLE, drawing("086.png"))).toMatchObject({ status: 0 });
    expect(await readFile(place.path(`out.${format}`), "utf8")).toBe(whole);
    expect(whole.match(/Red\./g)).toHaveLength(1);
    expect(whole.match(/Blue\./g)).toHaveLength(1);
  });
});

describe("answers beside their pictures", () => {
  it("are written once, and nothing else is", async () => {
    const words = ["--sidecar", "txt", "set", "-q", QUESTION];
    const first = await ask(...words);
    expect(first).toMatchObject({ status: 3, stdout: "" });
    expect((await readdir(place.path("set"))).filter((name) => name.includes("txt")).sort()).toEqual([
      "a.txt",
      "c.txt",
    ]);
    await writeFile(place.path("set/c.txt"), "my own\n");
    const again = await ask(...words);
    expect(again.stderr).toContain("0 answered, 1 failed (image-invalid 1), 2 skipped");
    expect(await readFile(place.path("set/c.txt"), "utf8")).toBe("my own\n");
    expect(await ask(...words, "--force", "--json")).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('"answer":"Blue."') as string,
    });
    expect(await readFile(place.path("set/c.txt"), "utf8")).toBe("Blue.\n");
  });
});

describe("a run that shall not go on after a failure", () => {
  it("stops at the first", async () => {
    const { status, stdout, stderr } = await ask("--fail-fast", "set", "-q", QUESTION);
    expect({ status, stdout }).toEqual({ status: 3, stdout: "set/a.png: Red.\n" });
    expect(stderr).toContain("1 answered, 1 failed (image-invalid 1), 0 skipped");
    expect(await ask("--fail-fast", "set/b.png", "set/c.png", "-q", QUESTION)).toMatchObject({ status: 1 });
  });
});

describe("options that do not go together", () => {
  it.each([
    [["--resume", "--json"], "--resume needs the file"],
    [["--resume", "-o", "out.txt"], "--resume needs a form of answers that says what they are about"],
    [["--resume", "--json", "-o", "/dev/null"], "--resume needs a file"],
    [["--force"], "--force needs --resume or --sidecar"],
    [["--json", "--format", "csv"], "--json is --format jsonl"],
    [["--format", "hf", "-q", "again?"], "one answer per picture"],
    [["--sidecar", "txt", "-q", "again?"], "one answer per picture"],
    [["--sidecar", "png"], "pictures are called that"],
    [["--sidecar", "../x"], "expected the end of a file's name"],
  ])("are refused: %j", async (options, message) => {
    const { status, stdout, stderr } = await ask(...options, RED_CIRCLE, "-q", QUESTION);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});
