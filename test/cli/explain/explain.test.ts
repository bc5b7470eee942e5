import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { drawing, lines, Place, QUESTION, RED_CIRCLE } from "../binary.ts";

const place = new Place();
const CROSS = drawing("093.webp");

beforeAll(async () => {
  await place.convertDemo();
});

async function ask(...words: readonly string[]): ReturnType<Place["run"]> {
  return place.run(["ask", "-m", "demo", ...words]);
}

async function pngSize(path: string): Promise<unknown> {
  const { format, width, height } = await sharp(path).metadata();
  return { format, width, height };
}

describe("ask --explain", () => {
  it("draws a map, says in the record what it is, and changes nothing else", async () => {
    const map = place.path("map.png");
    const plain = await ask("--json", RED_CIRCLE, QUESTION);
    const { status, stdout, stderr } = await ask("--json", RED_CIRCLE, QUESTION, "--explain", map);
    expect(status, stderr).toBe(0);
    const { explain, ms, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
    const { ms: times, ...without } = JSON.parse(plain.stdout) as Record<string, unknown>;
    expect({ ...rest, cached: true }).toEqual({ ...without, cached: true });
    expect(explain).toEqual({
      layer: "embq",
      entropy: expect.closeTo(6.129, 2) as number,
      most_entropy: expect.closeTo(Math.log2(81), 4) as number,
      top: { patches: 5, of: 81, share: expect.closeTo(0.15, 2) as number },
      file: map,
    });
    expect(ms).toHaveProperty("explain");
    expect(times).not.toHaveProperty("explain");
    expect(await pngSize(map)).toEqual({ format: "png", width: 672, height: 798 });
  });

  it("writes the attention itself, with where its patches lie", async () => {
    const json = place.path("attention.jsonl");
    const questions = ["-q", QUESTION, "-q", "What color is the star?"];
    const { status, stderr } = await ask(
      RED_CIRCLE,
      ...questions,
      "--explain-json",
      json,
      "--explain-query",
      "9",
    );
    expect(status, stderr).toBe(0);
    const rows = lines(await readFile(json, "utf8")).map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(rows.map(({ question }) => question)).toEqual([QUESTION, "What color is the star?"]);
    const [first] = rows;
    expect(first).toMatchObject({
      image: RED_CIRCLE,
      answer: "Red.",
      layer: "embq",
      query: 9,
      queries: 9,
      image_size: 126,
      patch_size: 14,
      grid: 9,
      picture: { width: 256, height: 256 },
      crops: [{ left: 0, top: 0, width: 256, height: 256 }],
    });
    const weights = first?.["weights"] as number[][][][];
    expect([
      weights.length,
      weights[0]?.length,
      weights[0]?.[0]?.length,
      weights[0]?.[0]?.[0]?.length,
    ]).toEqual([9, 1, 9, 9]);
    for (const map of weights) expect(map.flat(2).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
  });

  it("draws the pooling's attention, whatever is asked", async () => {
    const [one, other] = [place.path("one.png"), place.path("other.png")];
    const sap = ["--explain-layer", "sap", "--no-embq"];
    await ask(CROSS, QUESTION, ...sap, "--explain", one);
    await ask(CROSS, "How many shapes are there?", ...sap, "--explain", other);
    expect(await readFile(one)).toEqual(await readFile(other));
    const embq = place.path("embq.png");
    await ask(CROSS, QUESTION, "--explain", embq);
    expect(await readFile(one)).not.toEqual(await readFile(embq));
  });

  it("fills a folder with a map for each answer, under names that are safe", async () => {
    const pictures = place.path("pictures");
    await mkdir(join(pictures, "again"), { recursive: true });
    const names = ["a b.png", "again/a b.png", "-what?.png", "con.png", "größe.png"];
    for (const name of names) await copyFile(RED_CIRCLE, join(pictures, name));
    const maps = place.path("maps/of these");
    const questions = ["-q", QUESTION, "-q", "What color is the star?"];
    const { status, stdout, stderr } = await ask("--json", "-r", pictures, ...questions, "--explain", maps);
    expect(status, stderr).toBe(0);
    const written = (await readdir(maps)).toSorted();
    const stems = ["a_b", "a_b-2", "what_", "_con", "größe"];
    expect(written).toEqual(
      stems.flatMap((stem) => [1, 2].map((at) => `${stem}.${at}.attention.png`)).toSorted(),
    );
    const files = lines(stdout).map(
      (line) => (JSON.parse(line) as { explain: { file: string } }).explain.file,
    );
    expect(files.toSorted()).toEqual(written.map((name) => join(maps, name)));
  });

  it("takes a picture on standard input, and fetches one by URL once", async () => {
    const fromStdin = place.path("stdin.png");
    const piped = await place.run(["ask", "-m", "demo", "-", QUESTION, "--explain", fromStdin], {
      stdin: await readFile(RED_CIRCLE),
    });
    expect(piped.stdout).toBe("Red.\n");
    let requests = 0;
    const bytes = await readFile(RED_CIRCLE);
    const server = createServer((_request, response) => {
      requests++;
      response.end(bytes);
    }).listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/red.png?size=2`;
    const fetched = place.path("fetched.png");
    const { stdout, stderr } = await ask(url, QUESTION, "--explain", fetched);
    server.close();
    expect(stdout, stderr).toBe("Red.\n");
    expect(requests).toBe(1);
    expect(await readFile(fetched)).toEqual(await readFile(fromStdin));
  });

  it("loses no answer for a map that cannot be written, and stops there", async () => {
    const maps = place.path("blocked");
    await mkdir(join(maps, "023.attention.png", "in the way"), { recursive: true });
    const { status, stdout, stderr } = await ask("--json", RED_CIRCLE, CROSS, QUESTION, "--explain", maps);
    expect(status).toBe(1);
    expect(lines(stdout)).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ image: RED_CIRCLE, answer: "Red." });
    expect(stderr).toContain("023.attention.png could not be written");
    expect(await readdir(maps)).toEqual(["023.attention.png"]);
  });

  it.each([
    [["--explain", "map.jpg"], "cannot draw to map.jpg"],
    [["--explain", "there.txt"], "cannot draw to there.txt"],
    [["--explain-query", "2"], "--explain-query needs --explain"],
    [["--explain-layer", "sap"], "--explain-layer needs --explain"],
    [["--explain", "m.png", "--explain-query", "10"], "there is no query 10: they are numbered from 1 to 9"],
    [["--explain", "m.png", "--explain-query", "0"], "expected a whole number from 1"],
    [["--explain", "m.png", "--explain-layer", "sap", "--explain-query", "1"], "has no queries"],
    [["--explain", "m.png", "--explain-layer", "lm"], "embq, sap"],
    [["--explain", "m.png", "--no-embq"], "--no-embq leaves nothing to look at"],
    [["--explain", "m.png", "-q", "And now?"], "m.png has room for one map"],
    [["--explain", "m.png", "--explain-json", "./m.png"], "written to the same file"],
    [["--explain-json", "a.jsonl", "-o", "a.jsonl"], "written to the same file"],
    [["--explain-json", "-"], "standard output has the answers"],
    [["--explain", "copy.png"], "the map would overwrite the picture"],
    [["--explain-json", "copy.png"], "the attention would overwrite the picture"],
  ])("refuses %j", async (words, message) => {
    const picture = place.path("copy.png");
    await copyFile(RED_CIRCLE, picture);
    await copyFile(RED_CIRCLE, place.path("there.txt"));
    const { status, stdout, stderr } = await ask(picture, "-q", QUESTION, ...words);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(await readFile(picture)).toEqual(await readFile(RED_CIRCLE));
  });

  it("says before any work that a folder cannot be written to", async () => {
    const { status, stderr } = await ask(RED_CIRCLE, QUESTION, "--explain", "/nowhere/at/all.png");
    expect(status).toBe(1);
    expect(stderr).toContain("/nowhere/at could not be written");
    expect(stderr).not.toContain("Red.");
  });

  it("says of a model without the graphs how to get them", async () => {
    const folder = place.path("older");
    const store = place.path("store/models");
    const demo = (await readdir(store)).find((name) => name.startsWith("demo")) ?? "";
    await place.bash(`cp -r '${join(store, demo)}' '${folder}'`);
    const edit = `const fs=require("fs"),p=process.argv[1],m=JSON.parse(fs.readFileSync(p));delete m.roles.embqLook;delete m.roles.sapLook;fs.writeFileSync(p,JSON.stringify(m))`;
    await place.bash(`'${process.execPath}' -e '${edit}' '${join(folder, "manifest.json")}'`);
    const answered = await place.run(["ask", "-m", folder, RED_CIRCLE, QUESTION]);
    expect(answered.stdout).toBe("Red.\n");
    const { status, stdout, stderr } = await place.run([
      "ask",
      "-m",
      folder,
      RED_CIRCLE,
      QUESTION,
      "--explain",
      place.path("none.png"),
    ]);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/error: .*converted without the graph for this attention\nhint: convert it again/);
    await rm(folder, { recursive: true });
  });
});
