import { describe, expect, it } from "vitest";
import { answerFor } from "../../../src/cli/completion/answer.ts";
import { candidatesFor, type Candidates } from "../../../src/cli/completion/candidates.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { DEVICES } from "../../../src/core/model/device.ts";
import { QUANTS } from "../../../src/core/model/variant.ts";

const program = createProgram({ print: () => {} });

function complete(...words: readonly string[]): Candidates {
  return candidatesFor(program, words);
}

function texts(...words: readonly string[]): string[] {
  return complete(...words).candidates.map(({ text }) => text);
}

describe("what may follow", () => {
  it("is a command first, hidden ones left out", () => {
    const commands = texts("");
    expect(commands).toEqual(expect.arrayContaining(["ask", "grep", "pull", "completion"]));
    expect(commands).not.toContain("complete");
    expect(complete("").paths).toBe("none");
    expect(texts("--")).toEqual(expect.arrayContaining(["--version", "--help"]));
  });

  it("is an option of the command, as its help shows them", () => {
    const help = program.commands.find((command) => command.name() === "ask")?.helpInformation() ?? "";
    const options = texts("ask", "photo.jpg", "--");
    expect(options.length).toBeGreaterThan(20);
    for (const option of options) expect(help).toContain(option);
    expect(options).toEqual(expect.arrayContaining(["--device", "--no-embq", "--shard", "--help"]));
    expect(texts("list", "-")).toEqual(["--json", "--quiet", "--no-color", "--help"]);
  });

  it("is one of an option's choices, after a blank as well as after =", () => {
    expect(complete("ask", "--device", "")).toMatchObject({ paths: "none", prefix: "" });
    expect(texts("ask", "--device", "")).toEqual([...DEVICES]);
    expect(texts("bench", "a.png", "--quant=q4")).toEqual([...QUANTS]);
    expect(complete("ask", "--quant=q4")).toMatchObject({ current: "q4", prefix: "--quant=" });
  });

  it("is a model or its folder, a file, a folder, or nothing that could be guessed", () => {
    expect(complete("ask", "-m", "")).toMatchObject({ models: "known", paths: "folders", candidates: [] });
    expect(complete("pull", "")).toMatchObject({ models: "known", paths: "none" });
    expect(complete("inspect", "")).toMatchObject({ models: "known", paths: "folders" });
    expect(complete("verify", "")).toMatchObject({ models: "installed", paths: "none" });
    expect(complete("ask", "-o", "")).toMatchObject({ models: undefined, paths: "files" });
    expect(complete("ask", "--json-schema", "")).toMatchObject({ paths: "files" });
    expect(complete("convert", "", "")).toMatchObject({ paths: "folders", models: undefined });
    expect(complete("convert", "--name", "")).toMatchObject({ paths: "none", models: undefined });
    expect(complete("ask", "--seed", "")).toMatchObject({ paths: "none", candidates: [] });
    expect(complete("ask", "-q", "--")).toMatchObject({ paths: "none", candidates: [] });
  });

  it("is a picture, wherever arguments are expected", () => {
    expect(complete("ask", "").paths).toBe("files");
    expect(complete("ask", "a.png", "-m", "demo", "b").paths).toBe("files");
    expect(complete("ask", "--", "--").paths).toBe("files");
    expect(complete("grep", "").paths).toBe("none");
    expect(complete("grep", "-r", "a dog", "").paths).toBe("files");
    expect(complete("grep", "--threshold", "0.1", "a dog", "x", "").paths).toBe("files");
    expect(complete("list", "").paths).toBe("none");
  });

  it("is an argument's choice", () => {
    expect(texts("cache", "")).toEqual(["clear"]);
    expect(texts("cache", "clear", "")).toEqual([]);
    expect(texts("completion", "z")).toEqual(["bash", "zsh", "fish"]);
  });

  it("survives what is no command line", () => {
    expect(complete("nonsense", "--no-such", "x")).toMatchObject({ paths: "none" });
    expect(complete()).toMatchObject({ current: "" });
    expect(complete("ask", "--no-such=", "")).toMatchObject({ paths: "files" });
    expect(complete("ask", "--no-such=x")).toMatchObject({ candidates: [] });
  });
});

describe("what a shell is told", () => {
  const common = { models: ["demo", "hf:a/b"], prefix: "--model=", paths: "folders", current: "" } as const;
  const candidates = [{ text: "auto", meaning: "first\nsecond" }];

  it("goes on from what is typed", () => {
    const typed = { ...common, candidates, current: "d" };
    expect(answerFor("bash", typed)).toEqual(["demo", "folders"]);
  });

  it("is in its own form", () => {
    const all = { ...common, candidates };
    expect(answerFor("bash", all)).toEqual(["auto", "demo", "hf:a/b", "folders"]);
    expect(answerFor("bash", { ...all, current: "hf:a" })).toEqual(["a/b", "folders"]);
    expect(answerFor("zsh", all)).toEqual(["auto:first", "demo:model", "hf\\:a/b:model", "folders"]);
    expect(answerFor("fish", all)).toEqual([
      "--model=auto\tfirst",
      "--model=demo\tmodel",
      "--model=hf:a/b\tmodel",
      "folders",
    ]);
  });
});
