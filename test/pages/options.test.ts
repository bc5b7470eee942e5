import { describe, expect, it } from "vitest";
import { createProgram } from "../../src/cli/program.ts";
import { blocksOf, commandsOf, pageText, PAGES } from "./printed.ts";

const program = createProgram({ print: () => {} });

/** The options that people are shown, `--long`, by command. */
const OPTIONS = new Map(
  program.commands.map((command) => [
    command.name(),
    new Set(
      command.options.flatMap((option) => (option.hidden || option.long === undefined ? [] : [option.long])),
    ),
  ]),
);

/** What follows `flashsloth` in a command, up to the pipe or the next command, without what is quoted. */
function calls(command: string): string[][] {
  const plain = command.replaceAll(/'[^']*'|"[^"]*"/g, "TEXT").replaceAll(/#.*$/gm, "");
  return [...plain.matchAll(/\bflashsloth ([^|;&>)]+)/g)].map(([, words = ""]) => words.trim().split(/\s+/));
}

describe("the options of", () => {
  it("ask are all in the page on asking, and no others", () => {
    const rows = pageText("docs/asking.md")
      .split("\n")
      .filter((line) => line.startsWith("| `-"))
      .map((line) => line.split(/(?<!\\)\|/)[1] ?? "");
    const told = rows.flatMap((row) => [...row.matchAll(/--[\w-]+/g)].map(([name]) => name));
    // said in prose, under "Answers that obey"
    const prose = ["--exact-choices", "--normalize"];
    expect(told.concat(prose).toSorted()).toEqual([...(OPTIONS.get("ask") ?? [])].toSorted());
    for (const name of prose) expect(pageText("docs/asking.md")).toContain(`\`${name}`);
  });

  it("every printed command exist", () => {
    const unknown = PAGES.flatMap(blocksOf)
      .filter(({ kind }) => kind === "shell" || kind === "script")
      .flatMap((block) => (block.kind === "shell" ? commandsOf(block) : [block.text]))
      .flatMap(calls)
      .flatMap(([name = "", ...words]) => {
        if (name.startsWith("-")) return [];
        const options = OPTIONS.get(name);
        if (options === undefined) return [name];
        const long = words.flatMap((word) => word.match(/^--[\w-]+/)?.[0] ?? []);
        return long.filter((word) => !options.has(word)).map((word) => `${name} ${word}`);
      });
    expect(unknown).toEqual([]);
  });
});
