import { spawnSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { finished, lines, Place } from "../cli/binary.ts";
import { makePictures, pathWithDemo, tell, type Told } from "./pictures.ts";
import { recipe } from "./recipe.ts";

/** Debian's moreutils has another program of that name. */
const isThere = spawnSync("parallel", ["--version"]).output?.join("").startsWith("GNU parallel") ?? false;

const place = new Place();
let path = "";
let alone: Told[] = [];

/** The lines that hold an answer. */
function answered(files: readonly string[]): string[] {
  return files.flatMap((text) => lines(text)).filter((line) => !line.includes('"error"'));
}

describe("GNU parallel", () => {
  beforeAll(async () => {
    if (!isThere) return;
    await place.convertDemo();
    path = await pathWithDemo(place.path("bin"));
    await makePictures(place.path("photos"), 24);
    await writeFile(place.path("captions.sh"), await recipe("captions.sh"));
    const { stdout } = await place.run([
      "ask",
      "-m",
      "demo",
      "-r",
      "photos",
      "-q",
      "Describe the image.",
      "--json",
      "--quiet",
    ]);
    alone = tell(stdout);
  });

  it("answers every picture in one of the parts, as one process does", async ({ skip }) => {
    if (!isThere) return skip("GNU parallel is not installed");
    const run = async (): Promise<void> => {
      const { status, stderr } = await finished(
        place.start("bash", ["captions.sh"], { env: { PATH: path } }),
      );
      expect([status, stderr]).toEqual([0, expect.stringContaining("broken.png")]);
    };
    await run();
    const files = (await readdir(place.directory)).filter((name) => name.startsWith("answers-")).sort();
    expect(files).toEqual([1, 2, 3, 4].map((part) => `answers-${part}.jsonl`));
    const read = async (): Promise<string[]> =>
      await Promise.all(files.map(async (name) => await readFile(place.path(name), "utf8")));
    const first = await read();
    expect(tell(first.join(""))).toEqual(alone);
    expect(alone).toHaveLength(24);
    for (const part of first) expect(lines(part).length).toBeLessThan(24);
    // what was answered is kept, times and all
    await run();
    const again = await read();
    expect(tell(again.join(""))).toEqual(alone);
    expect(answered(again)).toEqual(answered(first));

    // and one process goes on with what the parts have, in one file
    await writeFile(place.path("answers.jsonl"), again.join(""));
    const words = ["-m", "demo", "-r", "photos", "-q", "Describe the image.", "--json", "--resume"];
    const whole = await place.run(["ask", ...words, "-o", "answers.jsonl"]);
    expect([whole.status, whole.stderr]).toEqual([3, expect.stringContaining("23 skipped")]);
    const joined = await readFile(place.path("answers.jsonl"), "utf8");
    expect(answered([joined])).toEqual(answered(first));
    expect(tell(joined)).toEqual(alone);
  });
});
