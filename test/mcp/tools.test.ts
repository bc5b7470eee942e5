import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawing, lines, Place, QUESTION } from "../cli/binary.ts";
import { draw } from "../cli/drawn.ts";
import { TestClient } from "./client.ts";

const place = new Place();
const RED = ["023.png", "117.png", "159.jpg"];
const OTHER = ["003.png", "007.png", "109.png", "152.png"];
let server: TestClient;

beforeAll(async () => {
  await place.convertDemo();
  await mkdir(place.path("shapes/more"), { recursive: true });
  await mkdir(place.path("shapes-not"));
  for (const name of [...RED, ...OTHER]) {
    const folder = name === "159.jpg" || name === "007.png" ? "shapes/more" : "shapes";
    await copyFile(drawing(name), place.path(`${folder}/${name}`));
  }
  await copyFile(drawing("023.png"), place.path("shapes-not/secret.png"));
  await symlink(place.path("shapes-not/secret.png"), place.path("shapes/link.png"));
  await symlink(place.path("shapes-not"), place.path("shapes/linked"));
  await symlink("023.png", place.path("shapes/again.png"));
  await writeFile(place.path("shapes/notes.txt"), "no picture");
  await writeFile(place.path("shapes/torn.png"), (await readFile(drawing("023.png"))).subarray(0, 200));
  await draw(place.path("many"), 3000, 7);
  const roots = ["--root", "shapes", "--root", place.path("many")];
  server = await TestClient.open(place, [...roots, "--parallel", "1"]);
});

afterAll(async () => server[Symbol.asyncDispose]());

describe("the tools", () => {
  it("are three, and say what they take and give", async () => {
    const { tools } = await server.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "ask_about_picture",
      "compare_choices",
      "search_pictures",
    ]);
    for (const { inputSchema, outputSchema, annotations } of tools) {
      expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
      expect(outputSchema).toMatchObject({ type: "object" });
      expect(annotations).toMatchObject({ readOnlyHint: true, openWorldHint: false });
    }
    const [{ properties } = {}] = tools.map(({ inputSchema }) => inputSchema);
    expect(Object.keys(properties ?? {})).toEqual(["path", "base64", "question", "max_tokens"]);
    expect(JSON.stringify(properties?.["path"])).toContain(place.path("shapes"));
  });
});

describe("ask_about_picture", () => {
  it("answers about a path, absolute, relative to a root, through a link inside, or as a file: address", async () => {
    const path = place.path("shapes/023.png");
    const ways = [path, "023.png", "./more/../again.png", pathToFileURL(path).href];
    for (const way of ways) {
      const said = await server.call("ask_about_picture", { path: way, question: QUESTION });
      expect(said, way).toMatchObject({ failed: false, text: "Red." });
      expect(said.structured).toEqual({ answer: "Red.", finish: "stop" });
    }
    expect(await server.call("ask_about_picture", { path: "00000.png", question: QUESTION })).toMatchObject({
      failed: false,
    });
  });

  it("answers about base64 and data URIs as the command line does about files", async () => {
    const rows = lines(await readFile(drawing("eval.jsonl"), "utf8")).map(
      (line) => JSON.parse(line) as { image: string; question: string; answer: string },
    );
    // longer ones depend on the weight type
    const short = rows.filter(({ answer }) => !answer.includes(" "));
    for (const { image, question, answer } of short.slice(0, 12)) {
      const base64 = (await readFile(drawing(image))).toString("base64");
      const said = await server.call("ask_about_picture", { base64, question });
      expect([image, said.text]).toEqual([image, answer]);
    }
    const uri = `data:image/png;base64,${(await readFile(drawing("003.png"))).toString("base64")}`;
    expect(
      await server.call("ask_about_picture", { base64: uri, question: "What color is the square?" }),
    ).toMatchObject({
      text: "Purple.",
    });
  });

  it("cuts an answer at max_tokens and says so", async () => {
    const { structured } = await server.call("ask_about_picture", {
      path: "023.png",
      question: QUESTION,
      max_tokens: 1,
    });
    expect(structured).toMatchObject({ finish: "length" });
  });
});

describe("compare_choices", () => {
  it("says what ask --choices says", async () => {
    const texts = ["red", "green", "blue"];
    const said = await server.call("compare_choices", {
      path: "023.png",
      question: QUESTION,
      choices: texts,
    });
    const words = ["ask", "-m", "demo", "--json", "shapes/023.png", QUESTION, "--choices", texts.join(",")];
    const record = JSON.parse((await place.run(words)).stdout) as Record<string, unknown>;
    const { answer, choices, mass } = said.structured as {
      answer: string;
      choices: { text: string; probability: number }[];
      mass: number;
    };
    expect(answer).toBe("red");
    expect(choices.map(({ text }) => text)).toEqual(texts);
    expect(choices.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
    const theirs = record["choices"] as { probability: number }[];
    for (const [at, { probability }] of choices.entries()) {
      expect(probability).toBeCloseTo(theirs[at]?.probability ?? Number.NaN, 3);
    }
    expect(mass).toBeCloseTo(record["mass"] as number, 3);
    expect(JSON.parse(said.text)).toEqual(said.structured);
    const exact = await server.call("compare_choices", {
      path: "023.png",
      question: QUESTION,
      choices: texts,
      exact: true,
    });
    expect((exact.structured as { mass: number }).mass).toBeLessThan(mass / 2); // it says "Red."
  });
});

describe("search_pictures", () => {
  it("finds what grep finds, the best first, and nothing behind links that lead out", async () => {
    const said = await server.call("search_pictures", {
      folder: "more/..",
      what: "a red circle",
      recursive: true,
    });
    const found = said.structured as {
      matches: { path: string; probability: number }[];
      failures: { path: string; message: string }[];
    };
    const paths = found.matches.map(({ path }) => path);
    const expected = ["023.png", "117.png", "again.png", "more/159.jpg"].map((name) =>
      place.path(`shapes/${name}`),
    );
    expect(paths.toSorted()).toEqual(expected);
    const probabilities = found.matches.map(({ probability }) => probability);
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    expect(found).toMatchObject({ looked_at: 8, matching: 4, failed: 3, complete: true });
    expect(found.failures.map(({ path }) => path).toSorted()).toEqual(
      ["link.png", "linked", "torn.png"].map((name) => place.path(`shapes/${name}`)),
    );
    expect(said.text).not.toContain("shapes-not");
  });

  it("tells no more than was asked for, and whether that was all", async () => {
    const args = { folder: place.path("many"), what: "Is there a circle?", threshold: 0 };
    const { structured } = await server.call("search_pictures", { ...args, limit: 3, max_pictures: 6 });
    expect(structured).toMatchObject({ looked_at: 6, matching: 6, complete: false });
    expect((structured as { matches: unknown[] }).matches).toHaveLength(3);
  });

  it("says how far it is, and stops when it is cancelled", async () => {
    const heard: { progress: number; message?: string | undefined }[] = [];
    const cancel = new AbortController();
    const searching = server.call(
      "search_pictures",
      { folder: place.path("many"), what: "a red circle", max_pictures: 3000 },
      {
        signal: cancel.signal,
        onprogress: (progress) => {
          heard.push(progress);
          if (/^\d+ pictures looked at/.test(progress.message ?? "")) cancel.abort();
        },
      },
    );
    await expect(searching).rejects.toThrow(/abort|cancel/i);
    expect(heard.length).toBeGreaterThan(0);
    const counts = heard.map(({ progress }) => progress);
    expect(counts).toEqual([...new Set(counts)].toSorted((a, b) => a - b));
    // there is one place in the engine: it is free again
    expect(await server.call("ask_about_picture", { path: "023.png", question: QUESTION })).toMatchObject({
      text: "Red.",
    });
    const after = heard.length;
    expect(await server.call("ask_about_picture", { path: "003.png", question: QUESTION })).toMatchObject({
      failed: false,
    });
    expect(heard).toHaveLength(after);
  });
});

describe("a path", () => {
  it.each([
    ["beside the roots", "../shapes-not/secret.png"],
    ["whose folder only begins like a root", "/PLACE/shapes-not/secret.png"],
    ["of the system", "/etc/passwd"],
    ["that climbs out", "/PLACE/shapes/../shapes-not/secret.png"],
    ["of a link to a file outside", "link.png"],
    ["through a link to a folder outside", "linked/secret.png"],
    ["as an address, outside", "file:///etc/passwd"],
    ["that is not there, outside", "/etc/no-such-file.png"],
  ])("%s is refused", async (_, path) => {
    const args = { path: path.replace("/PLACE", place.directory), question: QUESTION };
    const said = await server.call("ask_about_picture", args);
    expect(said.failed).toBe(true);
    expect(said.text).toMatch(
      /^image-unreadable: .* is outside of the folders that may be read here\nhint: /,
    );
    const { path: folder } = args;
    const searched = await server.call("search_pictures", { folder, what: "a dog" });
    expect(searched).toMatchObject({ failed: true, structured: undefined });
  });

  it.each([
    ["with a NUL", "023.png\0.txt"],
    ["that is empty", " "],
    ["that is not there", "absent.png"],
    ["that is far too long", "a/".repeat(40_000)],
    ["of another machine", "file://elsewhere/a.png"],
    ["that is a folder", "more"],
  ])("%s leads to no picture", async (_, path) => {
    const said = await server.call("ask_about_picture", { path, question: QUESTION });
    expect(said.failed).toBe(true);
    expect(said.text).toMatch(/^image-not-found: /);
  });

  it("of a link to a folder outside cannot be searched", async () => {
    const said = await server.call("search_pictures", { folder: "linked", what: "a red circle" });
    expect(said.text).toMatch(/^image-unreadable: .* outside/);
  });
});

describe("what cannot be answered", () => {
  const picture = { path: "023.png", question: QUESTION };

  it.each<[string, string, Record<string, unknown>, RegExp]>([
    ["no picture", "ask_about_picture", { ...picture, path: "notes.txt" }, /^image-invalid: .*not a picture/],
    ["half a picture", "ask_about_picture", { ...picture, path: "torn.png" }, /^image-invalid: .*\nhint: /],
    ["no base64", "ask_about_picture", { question: QUESTION, base64: "%%%" }, /^image-invalid: /],
    ["nothing in base64", "ask_about_picture", { question: QUESTION, base64: "" }, /^image-invalid: /],
    [
      "two pictures",
      "ask_about_picture",
      { ...picture, base64: "AAAA" },
      /^usage: .* exactly one of path or base64/,
    ],
    ["no picture at all", "ask_about_picture", { question: QUESTION }, /^usage: .* exactly one/],
    ["a blank question", "ask_about_picture", { ...picture, question: " " }, /^usage: /],
    [
      "a long question",
      "ask_about_picture",
      { ...picture, question: "why ".repeat(9000) },
      /^question-too-long: /,
    ],
    ["one choice twice", "compare_choices", { ...picture, choices: ["a", "a"] }, /^usage: .* twice/],
    ["one choice", "compare_choices", { ...picture, choices: ["a"] }, /choices/],
    [
      "many choices",
      "compare_choices",
      { ...picture, choices: Array.from({ length: 999 }, String) },
      /choices/,
    ],
    ["a file to search", "search_pictures", { folder: "023.png", what: "a dog" }, /^image-not-found: /],
    [
      "nothing to search for",
      "search_pictures",
      { folder: "more", what: " " },
      /what the pictures are to show/,
    ],
    ["an odd threshold", "search_pictures", { folder: "more", what: "x", threshold: 2 }, /threshold/],
    ["a wrong type", "ask_about_picture", { ...picture, path: ["023.png"] }, /path/],
    ["a number of tokens that is none", "ask_about_picture", { ...picture, max_tokens: -1 }, /max_tokens/],
    ["an unknown field", "ask_about_picture", { ...picture, device: "cuda" }, /device/],
    ["an address", "ask_about_picture", { question: QUESTION, url: "http://localhost/a.png" }, /url/],
    ["an unknown tool", "run_command", { command: "ls" }, /run_command/],
  ])("%s is a tool's error", async (_, tool, args, message) => {
    const said = await server.call(tool, args);
    expect(said.failed).toBe(true);
    expect(said.text).toMatch(message);
    expect(said.text).not.toMatch(/^internal|\n {4}at /);
    expect(said.structured).toBeUndefined();
  });

  it("leaves the server as it was", async () => {
    expect(await server.call("ask_about_picture", picture)).toMatchObject({ text: "Red." });
    expect(server.stderr).not.toMatch(/error|unexpected/);
  });
});
