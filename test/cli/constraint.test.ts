import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { drawing, lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();

beforeAll(async () => place.convertDemo());

const ASK = ["ask", "-m", "demo", "--quiet"];

describe("ask --choices", () => {
  it("answers with one of them, as it was given", async () => {
    const { status, stdout } = await place.run([...ASK, RED_CIRCLE, QUESTION, "--choices", "blue,red,green"]);
    expect([status, stdout]).toEqual([0, "red\n"]);
  });

  it("says in a record how likely each is, and all together", async () => {
    const words = [
      ...ASK,
      "--json",
      RED_CIRCLE,
      "Is there a red circle in the image?",
      "--choices",
      "yes,no",
    ];
    const { stdout } = await place.run(words);
    const record = JSON.parse(stdout) as {
      answer: string;
      mass: number;
      choices: { text: string; logprob: number; probability: number }[];
    };
    expect(Object.keys(record).slice(0, 6)).toEqual([
      "image",
      "question",
      "answer",
      "choices",
      "mass",
      "model",
    ]);
    expect(record.answer).toBe("yes");
    expect(record.choices.map(({ text }) => text)).toEqual(["yes", "no"]);
    const [yes, no] = record.choices;
    expect((yes?.probability ?? 0) + (no?.probability ?? 0)).toBeCloseTo(1, 9);
    expect(Math.exp(yes?.logprob ?? 0) + Math.exp(no?.logprob ?? 0)).toBeCloseTo(record.mass, 9);
    expect(record.mass).toBeGreaterThan(0.9);
  });

  it("takes choices with commas in them one by one", async () => {
    const choices = ["--choice", "red, of course", "--choice", "blue, of course"];
    const { stdout } = await place.run([...ASK, RED_CIRCLE, QUESTION, ...choices, "--normalize", "tokens"]);
    expect(stdout).toBe("red, of course\n");
  });

  it.each([
    [["--choices", "red"], "at least two"],
    [["--choices", "red,,blue"], "empty"],
    [["--choices", "red,red"], "twice"],
    [["--choices", "red,blue", "--temperature", "1"], "--temperature"],
    [["--choices", "red,blue", "--normalize", "length"], "normalize"],
    [["--exact-choices"], "--choices"],
    [["--normalize", "bytes"], "--choices"],
    [["--choices", "red,blue", "--json-schema", "{}"], "cannot be used with"],
  ])("refuses %j before anything is loaded", async (words, why) => {
    const { status, stderr, stdout } = await place.run(["ask", "-m", "demo", RED_CIRCLE, QUESTION, ...words]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(why);
  });
});

describe("ask --json-schema", () => {
  const SCHEMA = {
    type: "object",
    properties: { color: { enum: ["red", "green", "blue"] }, sure: { type: "boolean" } },
    required: ["color", "sure"],
    additionalProperties: false,
  };

  it("answers with JSON that obeys it, from a file or the command line", async () => {
    const file = place.path("schema.json");
    await writeFile(file, JSON.stringify(SCHEMA));
    for (const schema of [file, JSON.stringify(SCHEMA)]) {
      const { status, stdout } = await place.run([...ASK, RED_CIRCLE, QUESTION, "--json-schema", schema]);
      expect(status).toBe(0);
      const value = JSON.parse(stdout) as { color: string; sure: boolean };
      expect(Object.keys(value)).toEqual(["color", "sure"]);
      expect(["red", "green", "blue"]).toContain(value.color);
    }
  });

  it("gives an error and nothing else where the answer is cut off", async () => {
    const words = [RED_CIRCLE, QUESTION, "--json-schema", JSON.stringify(SCHEMA), "--max-tokens", "4"];
    const plain = await place.run(["ask", "-m", "demo", ...words]);
    expect([plain.status, plain.stdout]).toEqual([1, ""]);
    expect(plain.stderr).toContain("--max-tokens");
    const { stdout, status } = await place.run([...ASK, "--json", ...words]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "constraint" } });
  });

  it.each([
    ["{", "not JSON"],
    ["nowhere.json", "not there"],
    ['{"type": "object", "patternProperties": {}}', "patternProperties"],
    ['{"type": "colour"}', "type"],
  ])("refuses %j before anything is loaded", async (schema, why) => {
    const words = ["ask", "-m", "demo", RED_CIRCLE, QUESTION, "--json-schema", schema];
    const { status, stderr, stdout } = await place.run(words);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(why);
  });
});

describe("ask about several pictures at once", () => {
  const NAMES = ["001.png", "003.png", "023.png", "006.png"].map(drawing);

  it("answers the same whatever --parallel is, in order", async () => {
    const runs = await Promise.all(
      ["1", "3", "auto"].map(async (n) =>
        place.run([
          ...ASK,
          ...NAMES,
          "-q",
          "Describe the image.",
          "-q",
          "How many shapes are there?",
          "--parallel",
          n,
        ]),
      ),
    );
    const [one] = runs;
    expect(lines(one?.stdout ?? "")).toHaveLength(8);
    for (const { status, stdout } of runs) expect([status, stdout]).toEqual([0, one?.stdout]);
  });

  it("gives each record once with --unordered", async () => {
    const { stdout } = await place.run([
      ...ASK,
      "--json",
      "--unordered",
      ...NAMES,
      "-q",
      "Describe the image.",
    ]);
    const images = lines(stdout).map((line) => (JSON.parse(line) as { image: string }).image);
    expect(images.toSorted()).toEqual(NAMES.toSorted());
  });

  it.each(["0", "65", "many", "-1"])("refuses --parallel %s", async (n) => {
    const { status, stderr } = await place.run([
      "ask",
      "-m",
      "demo",
      RED_CIRCLE,
      QUESTION,
      `--parallel=${n}`,
    ]);
    expect(status).toBe(2);
    expect(stderr).toContain("--parallel");
  });
});
