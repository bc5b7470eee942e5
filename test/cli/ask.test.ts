import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { drawing, lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();
const NOTICE = "the demo model knows drawings of coloured shapes and nothing else";
const ask = async (...words: string[]): ReturnType<Place["run"]> =>
  place.run(["ask", "-m", "demo", ...words]);

beforeAll(async () => {
  await mkdir(place.path("folder/deep"), { recursive: true });
  await copyFile(drawing("086.png"), place.path("folder/b.png"));
  await copyFile(RED_CIRCLE, place.path("folder/a\u001b[31m\n.png"));
  await copyFile(drawing("190.png"), place.path("folder/deep/c.png"));
  await writeFile(place.path("folder/notes.txt"), "no picture");
});

describe("flashsloth ask", () => {
  it("answers about one picture, and says once what the demo model is", async () => {
    const { status, stdout, stderr } = await ask(RED_CIRCLE, QUESTION);
    expect(stdout).toBe("Red.\n");
    expect(status).toBe(0);
    expect(stderr.split(NOTICE)).toHaveLength(2);
  });

  it("prints nothing but the answer when quiet", async () => {
    expect(await ask("--quiet", RED_CIRCLE, "-q", QUESTION)).toMatchObject({
      status: 0,
      stdout: "Red.\n",
      stderr: "",
    });
  });

  it("reads a picture from standard input", async () => {
    const stdin = await readFile(RED_CIRCLE);
    const { stdout } = await place.run(["ask", "-m", "demo", "--json", "-", QUESTION], { stdin });
    expect(JSON.parse(stdout)).toMatchObject({ image: "-", answer: "Red." });
  });

  it("answers about several pictures in order, a line each, whatever their names are", async () => {
    const { status, stdout } = await place.run(["ask", "-m", "demo", drawing("190.png"), "folder", QUESTION]);
    expect(lines(stdout)).toEqual([
      `${drawing("190.png")}: Purple.`,
      String.raw`folder/a\x1b[31m\x0a.png: Red.`,
      "folder/b.png: Blue.",
    ]);
    expect(status).toBe(0);
  });

  it("descends into folders when told to", async () => {
    const { stdout } = await place.run(["ask", "-m", "demo", "-r", "--json", "folder", "-q", QUESTION]);
    const records = lines(stdout).map((line) => JSON.parse(line) as { image: string; answer: string });
    expect(records.map(({ image, answer }) => [image, answer])).toEqual([
      ["folder/a\u001b[31m\n.png", "Red."],
      ["folder/b.png", "Blue."],
      ["folder/deep/c.png", "Purple."],
    ]);
  });

  it("gives records whose fields are in order and whose times add up", async () => {
    const { stdout } = await ask("--json", "--no-cache", RED_CIRCLE, drawing("086.png"), QUESTION);
    const records = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toHaveLength(2);
    for (const record of records) {
      expect(Object.keys(record)).toEqual(["image", "question", "answer", "model", "finish", "tokens", "ms"]);
      expect(record).toMatchObject({ question: QUESTION, model: "demo", finish: "stop" });
      const { total, ...stages } = record["ms"] as Record<string, number>;
      // whether one had to wait for the other is a matter of moments
      const always = Object.keys(stages).filter((stage) => stage !== "queue");
      expect(always).toEqual(["load", "image", "vision", "prefill", "first_token", "decode"]);
      const sum = Object.values(stages).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - (total ?? 0)) / (total ?? 0)).toBeLessThan(0.05);
    }
    const [first, second] = records as { ms: { load: number }; tokens: Record<string, number> }[];
    expect(first?.ms.load).toBeGreaterThan(0);
    expect(second?.ms.load).toBe(0);
    expect(first?.tokens["image"]).toBe(9);
    expect(first?.tokens["answer"]).toBeGreaterThan(0);
    expect(first?.tokens["prompt"]).toBeGreaterThan(9);
  });

  it("answers about the rest when a picture fails", async () => {
    const plain = await ask("nosuch.png", RED_CIRCLE, QUESTION);
    expect(plain).toMatchObject({ status: 3, stdout: `${RED_CIRCLE}: Red.\n` });
    expect(plain.stderr).toMatch(/^error: .*nosuch\.png/m);

    const { status, stdout } = await ask("--json", "nosuch.png", RED_CIRCLE, QUESTION);
    expect(status).toBe(3);
    const [failed, answered] = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(Object.keys(failed ?? {})).toEqual(["image", "question", "error", "model"]);
    expect(failed).toMatchObject({ image: "nosuch.png", error: { code: "image-not-found" } });
    expect(answered).toMatchObject({ answer: "Red." });
  });

  it("cuts an answer at --max-tokens and says so", async () => {
    const { status, stdout, stderr } = await ask("--max-tokens", "1", RED_CIRCLE, "--json", QUESTION);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ finish: "length", tokens: { answer: 1 } });
    expect(stderr).toMatch(/warning: .*023\.png: the answer was cut off after 1 tokens/);
  });

  it("gives up on a picture after --timeout", async () => {
    const { status, stdout } = await ask("--timeout", "0.0001", "--json", RED_CIRCLE, QUESTION);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "timeout" } });
  });

  it("samples the same answer from the same seed", async () => {
    const words = [RED_CIRCLE, QUESTION, "--temperature", "3", "--max-tokens", "12", "--quiet", "--seed"];
    const [one, again, other] = [
      await ask(...words, "7"),
      await ask(...words, "7"),
      await ask(...words, "8"),
    ];
    expect(one.status).toBe(0);
    expect(again.stdout).toBe(one.stdout);
    expect(other.stdout).not.toBe(one.stdout);
  });

  it("shows the stages with --bench: as a table on stderr, or inside the record", async () => {
    const table = await ask("--bench", RED_CIRCLE, QUESTION);
    expect(table.stdout).toBe("Red.\n");
    for (const row of ["image", "vision", "prefill", "first token", "decode", "total", "peak memory"]) {
      expect(table.stderr).toMatch(new RegExp(`^  ${row} +\\S`, "m"));
    }
    expect(table.stderr).toMatch(/^ {2}image tokens +81 -> 9 \(9\.0 to 1\)$/m);

    const { stdout, stderr } = await ask("--bench", "--json", RED_CIRCLE, QUESTION);
    expect(stderr).not.toContain("peak memory");
    expect(JSON.parse(stdout)).toMatchObject({
      answer: "Red.",
      bench: { image_tokens: { before: 81, after: 9 }, device: { language: expect.any(String) as string } },
    });
  });

  it("writes the answers to a file with -o, and never over a picture", async () => {
    await writeFile(place.path("answers.txt"), "old\n");
    const { status, stdout } = await ask("-o", "answers.txt", RED_CIRCLE, QUESTION);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(await readFile(place.path("answers.txt"), "utf8")).toBe("Red.\n");

    const before = await readFile(place.path("folder/b.png"));
    const refused = await ask("-o", "folder/../folder/b.png", "folder", "-q", QUESTION);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toContain("would overwrite the picture folder/b.png");
    expect(await readFile(place.path("folder/b.png"))).toEqual(before);
  });

  it("prints the answer that could not be written to a full disk", async () => {
    const { status, stdout, stderr } = await ask("-o", "/dev/full", RED_CIRCLE, QUESTION);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "Red.\n" });
    expect(stderr).toContain("the answer cannot be written to /dev/full: the disk is full");
    expect(await place.bash(`$flashsloth ask -m demo ${RED_CIRCLE} "${QUESTION}" > /dev/full`)).toMatchObject(
      {
        status: 1,
        stderr: expect.stringContaining("standard output: the disk is full") as string,
      },
    );
  });
});
