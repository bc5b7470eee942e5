import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
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
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ question_id: "v1_0" });
});
