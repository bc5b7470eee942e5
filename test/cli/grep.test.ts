import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { matchWriter, type Match } from "../../src/cli/match-writer.ts";
import type { Output } from "../../src/cli/answers/output.ts";
import { presenceQuestion } from "../../src/pipeline/presence.ts";
import { drawing, lines, Place } from "./binary.ts";

const place = new Place();
/** With a red circle in them, and without. */
const RED = ["023.png", "117.png", "159.jpg"];
const OTHER = ["003.png", "007.png", "109.png", "152.png"];
const SOUGHT = "a red circle";

beforeAll(async () => {
  await place.convertDemo();
  await mkdir(place.path("shapes/more"), { recursive: true });
  for (const name of [...RED, ...OTHER]) {
    const folder = name === "159.jpg" || name === "007.png" ? "shapes/more" : "shapes";
    await copyFile(drawing(name), place.path(`${folder}/${name}`));
  }
});

async function grep(...words: readonly string[]): ReturnType<Place["run"]> {
  return await place.run(["grep", "-m", "demo", "--quiet", ...words]);
}

describe("grep", () => {
  it("prints the pictures that show it, in order", async () => {
    const { status, stdout, stderr } = await grep(SOUGHT, "-r", "shapes");
    expect([status, stderr]).toEqual([0, ""]);
    expect(lines(stdout)).toEqual(["shapes/023.png", "shapes/117.png", "shapes/more/159.jpg"]);
  });

  it("prints with -v those that do not, and counts either with -c", async () => {
    const { stdout } = await grep("-v", SOUGHT, "shapes");
    expect(lines(stdout)).toEqual(["shapes/003.png", "shapes/109.png", "shapes/152.png"]);
    expect(await grep("-c", SOUGHT, "-r", "shapes")).toMatchObject({ status: 0, stdout: "3\n" });
    expect(await grep("-vc", SOUGHT, "-r", "shapes")).toMatchObject({ status: 0, stdout: "4\n" });
  });

  it("asks what ask --choices yes,no asks, and matches from the threshold on", async () => {
    const options = ["-m", "demo", "--quiet", "--json", "-r", "--choices", "yes,no"];
    const asked = await place.run(["ask", ...options, "shapes", `Is there ${SOUGHT} in the image?`]);
    const probabilities = new Map(
      lines(asked.stdout).map((line) => {
        const { image, choices } = JSON.parse(line) as { image: string; choices: { probability: number }[] };
        return [image, choices[0]?.probability ?? Number.NaN];
      }),
    );
    const ranked = [...probabilities].sort(([, a], [, b]) => b - a);
    const { stdout } = await grep(SOUGHT, "-r", "shapes", "--sort", "--json", "--threshold", "0");
    const found = lines(stdout).map((line) => JSON.parse(line) as { image: string; probability: number });
    expect(found.map(({ image }) => image)).toEqual(ranked.map(([image]) => image));
    for (const { image, probability } of found) {
      expect(probability).toBeCloseTo(probabilities.get(image) ?? Number.NaN, 3);
    }
    // a threshold between the second and the third best
    const [, second, third] = ranked.map(([, probability]) => probability);
    const between = `${((second ?? 0) + (third ?? 0)) / 2}`;
    expect(await grep("-c", SOUGHT, "-r", "shapes", "--threshold", between)).toMatchObject({ stdout: "2\n" });
  });

  it("prints records in which the probability is told", async () => {
    const { stdout } = await grep("--json", SOUGHT, "shapes/023.png");
    const record: unknown = JSON.parse(stdout);
    expect(record).toMatchObject({ image: "shapes/023.png", answer: "yes", model: "demo", finish: "stop" });
    expect(Object.keys(record as object).at(-1)).toBe("probability");
  });

  it("takes a whole question, and a name's odd characters as they are with -0", async () => {
    const odd = "shapes/more/new\nline \u001b[31m.png";
    await copyFile(drawing("023.png"), place.path(odd));
    const question = "Do you see a red circle?";
    const shown = await grep(question, odd);
    expect([shown.status, shown.stdout]).toEqual([0, "shapes/more/new\\x0aline \\x1b[31m.png\n"]);
    const { stdout } = await grep("-0", question, odd, "shapes/023.png");
    expect(stdout).toBe(`${odd}\0shapes/023.png\0`);
  });

  it("has grep's exit status: 1 for nothing, 2 for trouble, whatever else was found", async () => {
    await writeFile(place.path("broken.png"), "this is no picture");
    expect(await grep("a purple ring", "shapes/023.png")).toMatchObject({ status: 1, stdout: "" });
    const missing = await grep(SOUGHT, "shapes/023.png", "absent.png", "broken.png");
    expect([missing.status, missing.stdout]).toEqual([2, "shapes/023.png\n"]);
    expect(missing.stderr).toContain("absent.png");
    expect(missing.stderr).toContain("broken.png");
    const absent = await place.run(["grep", "-m", "flashsloth-3.2b", "--no-download", SOUGHT, "shapes"]);
    expect(absent.status).toBe(2);
    expect(await grep(SOUGHT)).toMatchObject({ status: 2, stdout: "" });
    expect(await grep(" ", "shapes")).toMatchObject({ status: 2 });
    expect(await grep(SOUGHT, "shapes", "--threshold", "1.5")).toMatchObject({ status: 2 });
    expect(await grep(SOUGHT, "shapes", "--json", "-0")).toMatchObject({ status: 2 });
  });

  it("says nothing with -q, and stops at the first match", async () => {
    // the picture after the match would be trouble
    const found = await grep("-q", SOUGHT, "shapes/003.png", "shapes/023.png", "absent.png");
    expect(found).toMatchObject({ status: 0, stdout: "" });
    expect(await grep("-q", SOUGHT, "shapes/003.png")).toMatchObject({ status: 1, stdout: "", stderr: "" });
  });

  it("takes one part of the pictures", async () => {
    const parts = await Promise.all(
      ["1/2", "2/2"].map(async (shard) =>
        lines((await grep(SOUGHT, "shapes", "--shard", shard, "--threshold", "0")).stdout),
      ),
    );
    expect(parts.flat().sort()).toEqual(
      ["003", "023", "109", "117", "152"].map((name) => `shapes/${name}.png`),
    );
  });
});

describe("the question", () => {
  it.each([
    ["a dog", "Is there a dog in the image?"],
    ["  two cats ", "Is there two cats in the image?"],
    ["Is it night?", "Is it night?"],
    ["Is it night? ", "Is it night?"],
  ])("about %j", (what, question) => {
    expect(presenceQuestion(what)).toBe(question);
  });
});

function match(image: string, probability: number): Match {
  return {
    probability,
    record: {
      image,
      question: "q",
      answer: "yes",
      model: "demo",
      finish: "stop",
      tokens: { image: 9, prompt: 58, answer: 1 },
      ms: { load: 0, image: 0, vision: 0, prefill: 0, first_token: 0, decode: 0, total: 0 },
    },
  };
}

describe("matches", () => {
  it("are printed as they come, unless the best is wanted first", async () => {
    const said: string[] = [];
    const output: Output = {
      streams: true,
      closed: new AbortController().signal,
      write: async (text) => void said.push(text),
      close: async () => {},
    };
    const found = [match("a", 0.6), match("b", 0.9), match("c", 0.6), match("d", 0.7)];
    const plain = matchWriter({ line: "name", sorted: false }, output);
    await plain.write(match("a", 0.6));
    expect(said.splice(0)).toEqual(["a\n"]);
    const sorted = matchWriter({ line: "name", sorted: true }, output);
    for (const each of found) await sorted.write(each);
    expect(said).toEqual([]);
    await sorted.end({ invert: false });
    expect(said.splice(0).join("")).toBe("b\nd\na\nc\n");
    const inverted = matchWriter({ line: "nul", sorted: true }, output);
    for (const each of found) await inverted.write(each);
    await inverted.end({ invert: true });
    expect(said.join("")).toBe("a\0c\0d\0b\0");
  });
});
