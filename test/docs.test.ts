import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PAGES, pageText, ROOT } from "./pages/printed.ts";

describe("the pages for people", () => {
  it.each(PAGES)("%s names only files that are there", (page) => {
    const text = pageText(page);
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
  return pageText(page)
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
