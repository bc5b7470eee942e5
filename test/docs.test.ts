import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const PAGES = [...pagesIn("."), ...pagesIn("docs")];

function pagesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".md"));
  return names.map((name) => join(folder, name));
}

describe("the pages for people", () => {
  it.each(PAGES)("%s names only files that are there", (page) => {
    const text = readFileSync(join(ROOT, page), "utf8");
    const named = [...text.matchAll(/(?<![\w/.-])(?:src|test|docs)\/[\w./-]*\w/g)].map(([path]) => path);
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = ""]) =>
      join(page, "..", path),
    );
    const lost = [...named, ...links].filter((path) => !existsSync(join(ROOT, path)));
    expect(lost.filter((path) => !path.includes("/build/"))).toEqual([]); // which a command beside it makes
  });
});

/** Rows of the tables, which have a number in their first cell and name code in their last. */
function rowsOf(page: string): string[][] {
  return readFileSync(join(ROOT, page), "utf8")
    .split("\n")
    .filter((line) => /^\| [A-Z]\d+ /.test(line))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

it("every assumption about the published files has a number of its own, and code that rests on it", () => {
  const rows = rowsOf("docs/published-files.md");
  const numbers = rows.map(([, number]) => number);
  expect(numbers.length).toBeGreaterThan(20);
  expect(new Set(numbers).size).toBe(numbers.length);
  for (const row of rows) expect(row.at(-2), row[1]).toMatch(/`src\/[\w./-]+\.ts`/);
});
