import { beforeAll, describe, expect, it } from "vitest";
import { readDrawings } from "../demo/demo-model.ts";
import { drawing, lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();
const COUNT = "How many shapes are there?";
const EXIST = "Is there a blue ring\nin the image?";
const ask = async (...words: string[]): ReturnType<Place["run"]> =>
  place.run(["ask", "-m", "demo", "--quiet", ...words]);

beforeAll(async () => place.convertDemo());

interface AskedRecord {
  readonly image: string;
  readonly question: string;
  readonly answer?: string;
  readonly error?: { readonly code: string };
  readonly ms: Readonly<Record<string, number>>;
}

function records(text: string): AskedRecord[] {
  return lines(text).map((line) => JSON.parse(line) as AskedRecord);
}

describe("-q several times", () => {
  it("answers each question as if it had been asked alone", async () => {
    const drawings = (await readDrawings()).slice(0, 4);
    const questions = drawings.map(({ question }) => question);
    const together = await ask(
      "--json",
      ...questions.flatMap((question) => ["-q", question]),
      ...drawings.map(({ image }) => drawing(image)),
    );
    expect(together.status).toBe(0);
    const alone = new Map<string, string | undefined>();
    for (const question of questions) {
      const { stdout } = await ask("--json", "-q", question, ...drawings.map(({ image }) => drawing(image)));
      for (const { image, answer } of records(stdout)) alone.set(`${image} ${question}`, answer);
    }
    const all = records(together.stdout);
    expect(all.map(({ image, question }) => [image, question])).toEqual(
      drawings.flatMap(({ image }) => questions.map((question) => [drawing(image), question])),
    );
    for (const { image, question, answer } of all) {
      expect(answer, `${image} ${question}`).toBe(alone.get(`${image} ${question}`));
    }
    for (const { image, question, answer } of drawings) {
      const found = all.find((record) => record.image === drawing(image) && record.question === question);
      expect(found?.answer).toBe(answer);
    }
  });

  it("looks at each picture once: only its first record has times for it", async () => {
    const { stdout } = await ask("--json", "-q", QUESTION, "-q", COUNT, RED_CIRCLE, drawing("190.png"));
    const times = records(stdout).map(({ ms }) => ms);
    expect(times.map(({ vision = Number.NaN }) => vision > 0)).toEqual([true, false, true, false]);
    expect(times.map(({ image = Number.NaN }) => image > 0)).toEqual([true, false, true, false]);
    for (const { total = Number.NaN, ...stages } of times) {
      const sum = Object.values(stages).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - total) / total).toBeLessThan(0.05);
    }
  });

  it("puts the question before the answer, on one line", async () => {
    const one = await ask("-q", QUESTION, "-q", EXIST, RED_CIRCLE);
    expect(lines(one.stdout)).toEqual([`${QUESTION} Red.`, "Is there a blue ring in the image? No."]);
    const two = await ask(RED_CIRCLE, drawing("190.png"), "-q", QUESTION, "-q", EXIST);
    expect(lines(two.stdout)).toEqual([
      `${RED_CIRCLE}: ${QUESTION} Red.`,
      `${RED_CIRCLE}: Is there a blue ring in the image? No.`,
      `${drawing("190.png")}: ${QUESTION} Purple.`,
      expect.stringContaining(`${drawing("190.png")}: Is there a blue ring in the image? `),
    ]);
  });

  it("reports a picture that fails once, with a record for each question, and answers about the rest", async () => {
    const { status, stdout, stderr } = await ask(
      "--json",
      "-q",
      QUESTION,
      "-q",
      EXIST,
      "none.png",
      RED_CIRCLE,
    );
    expect(status).toBe(3);
    expect(records(stdout).map(({ error, answer }) => error?.code ?? answer)).toEqual([
      "image-not-found",
      "image-not-found",
      "Red.",
      "No.",
    ]);
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
  });

  it("refuses one that is blank, before anything is loaded", async () => {
    const { status, stdout, stderr } = await ask("-q", QUESTION, "-q", " ", RED_CIRCLE);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^error: one of the questions is empty$/m);
  });

  it("measures each question by itself with --bench", async () => {
    const { stdout } = await ask("--bench", "--json", "-q", QUESTION, "-q", COUNT, RED_CIRCLE);
    const [first, second] = lines(stdout).map(
      (line) => (JSON.parse(line) as { bench: Record<string, number> }).bench,
    );
    expect(first?.["vision_ms"]).toBeGreaterThan(0);
    expect(second).toMatchObject({ vision_ms: 0, image_ms: 0 });
    expect(second?.["prefill_ms"]).toBeGreaterThan(0);
  });
});
