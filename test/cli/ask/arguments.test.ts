import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { splitArguments } from "../../../src/cli/ask/arguments.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-arguments-"));
  await writeFile(join(folder, "What is this?"), "");
  await symlink(join(folder, "nowhere"), join(folder, "dangling"));
});
afterAll(async () => rm(folder, { recursive: true }));

const usage = (message: RegExp): object =>
  expect.objectContaining({ code: "usage", message: expect.stringMatching(message) as string });

describe("splitArguments", () => {
  it("takes the last argument for the question", async () => {
    expect(await splitArguments(["a.png", "b.png", "What is this?"], undefined)).toEqual({
      images: ["a.png", "b.png"],
      questions: ["What is this?"],
    });
  });

  it("takes every argument for a picture when -q gives the question", async () => {
    expect(await splitArguments(["a.png", "why"], ["What?", "Why?"])).toEqual({
      images: ["a.png", "why"],
      questions: ["What?", "Why?"],
    });
  });

  it("never takes an existing file, folder or link for the question", async () => {
    for (const last of [join(folder, "What is this?"), folder, join(folder, "dangling")]) {
      await expect(splitArguments(["a.png", last], undefined)).rejects.toEqual(usage(/existing file/));
    }
    await expect(splitArguments([folder], undefined)).rejects.toEqual(usage(/no question given/));
  });

  it("nor what can only be meant as a picture", async () => {
    for (const last of ["nosuch.JPG", "-", "https://example.org/a"]) {
      await expect(splitArguments(["a.png", last], undefined)).rejects.toEqual(usage(/not a question/));
    }
  });

  it("takes a question that merely ends like a picture's name, or is longer than any name", async () => {
    for (const last of ["Is this logo.png?", "see photo.jpg", "why ".repeat(5000)]) {
      expect((await splitArguments(["a.png", last], undefined)).questions).toEqual([last]);
    }
  });

  it("refuses a missing or blank question and a missing picture", async () => {
    await expect(splitArguments([], undefined)).rejects.toEqual(usage(/no picture and no question/));
    await expect(splitArguments(["why"], undefined)).rejects.toEqual(usage(/only one was given/));
    await expect(splitArguments([], ["why"])).rejects.toEqual(usage(/no picture given/));
    await expect(splitArguments(["a.png"], [" \n"])).rejects.toEqual(usage(/question is empty/));
    await expect(splitArguments(["a.png"], ["why", ""])).rejects.toEqual(
      usage(/one of the questions is empty/),
    );
    await expect(splitArguments(["a.png", ""], undefined)).rejects.toEqual(usage(/question is empty/));
  });

  it("refuses pictures that it cannot take", async () => {
    await expect(splitArguments(["", "q"], undefined)).rejects.toEqual(usage(/path is empty/));
    await expect(splitArguments(["-", "-"], ["q"])).rejects.toEqual(usage(/only once/));
  });

  it("needs no picture where a list names them, and takes the last argument for the question all the same", async () => {
    expect(await splitArguments(["why"], undefined, "names")).toEqual({ images: [], questions: ["why"] });
    expect(await splitArguments(["a.png", "why"], undefined, "names")).toEqual({
      images: ["a.png"],
      questions: ["why"],
    });
    expect(await splitArguments([], ["why"], "names")).toEqual({ images: [], questions: ["why"] });
    await expect(splitArguments([], undefined, "names")).rejects.toEqual(usage(/^no question given$/));
    await expect(splitArguments([folder], undefined, "names")).rejects.toEqual(usage(/no question given/));
  });

  it("takes no argument where a file has pictures and questions", async () => {
    expect(await splitArguments([], undefined, "questions")).toEqual({ images: [], questions: [] });
    expect(await splitArguments([], ["why"], "questions")).toEqual({ images: [], questions: ["why"] });
    await expect(splitArguments(["why"], [], "questions")).rejects.toEqual(usage(/why has no place here/));
    await expect(splitArguments([], [""], "questions")).rejects.toEqual(usage(/question is empty/));
  });
});
