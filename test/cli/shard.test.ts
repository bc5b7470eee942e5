import { copyFile, mkdir } from "node:fs/promises";
import { basename } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { drawing, lines, Place, QUESTION } from "./binary.ts";

const place = new Place();
const NAMES = ["001.png", "003.png", "006.png", "007.png", "008.png", "009.png", "023.png"];

beforeAll(async () => {
  await place.convertDemo();
  for (const folder of ["here", "there/mounted"]) {
    await mkdir(place.path(folder), { recursive: true });
    for (const name of NAMES) await copyFile(drawing(name), place.path(`${folder}/${name}`));
  }
});

/** The pictures that a part answers about, and how it ended. */
async function part(
  shard: string,
  ...words: readonly string[]
): Promise<{ names: string[]; status: number | null; stderr: string }> {
  const run = await place.run(["ask", "-m", "demo", "--json", "-q", QUESTION, "--shard", shard, ...words]);
  const images = lines(run.stdout).map((line) => (JSON.parse(line) as { image: string }).image);
  return { names: images.map((image) => basename(image)), status: run.status, stderr: run.stderr };
}

describe("ask --shard", () => {
  it("answers about every picture in one of the parts, the same one wherever the folder is", async () => {
    const here = [await part("1/2", "here"), await part("2/2", "here")];
    expect(here.flatMap(({ names }) => names).sort()).toEqual(NAMES);
    for (const { names, status } of here) {
      expect(status).toBe(0);
      expect(names.length).toBeGreaterThan(0);
    }
    expect((await part("2/2", "there/mounted")).names).toEqual(here[1]?.names);
    // files by their names
    const listed = await part("1/2", ...NAMES.map((name) => `here/${name}`));
    expect(NAMES).toEqual(expect.arrayContaining(listed.names));
  });

  it("says that a part is empty, which is no failure", async () => {
    const parts = await Promise.all(["1/2", "2/2"].map(async (shard) => await part(shard, "here/023.png")));
    const [empty, full] = parts.toSorted((a, b) => a.names.length - b.names.length);
    expect(full).toMatchObject({ names: ["023.png"], status: 0 });
    expect(empty).toMatchObject({ names: [], status: 0 });
    expect(empty?.stderr).toMatch(/none of the pictures is in part [12] of 2/);
  });

  it("fails in every part when the folder is not there", async () => {
    for (const shard of ["1/3", "2/3", "3/3"]) {
      const { status, stderr } = await part(shard, "not-mounted");
      expect([status, stderr]).toEqual([1, expect.stringContaining("no such file or folder: not-mounted")]);
    }
  });

  it.each([
    [["here", "--shard", "0/3"], "numbered from 1 to 3"],
    [["here", "--shard", "three"], "such as 2/8"],
    [["-", "--shard", "1/2"], "standard input (-) has no name"],
  ])("refuses %j", async (words, message) => {
    const { status, stderr } = await place.run(["ask", "-m", "demo", "-q", QUESTION, ...words]);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
