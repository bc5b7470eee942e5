import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { csvCells, csvPrinter, csvRow } from "../../../src/pipeline/printers/csv.ts";
import { FlashSlothError } from "../../../src/core/errors.ts";
import { random } from "../../random.ts";
import { answeredOutcome, failedOutcome } from "../outcomes.ts";

/** Cells of the characters that matter. */
function awkwardRows(seed: number, count: number): string[][] {
  const next = random(seed);
  const characters = ["a", "é", "漢", ",", '"', '""', "\n", "\t", " ", "'", "=", "+", "-", "@", "1", ";"];
  const cell = (): string =>
    Array.from(
      { length: Math.floor(next() * 6) },
      () => characters[Math.floor(next() * characters.length)],
    ).join("");
  return Array.from({ length: count }, () => Array.from({ length: 4 }, cell));
}

describe("CSV", () => {
  it("is read by somebody else's reader as it was meant", () => {
    const rows = awkwardRows(1, 2000);
    const read = parse(rows.map(csvRow).join(""), { relax_column_count: false });
    expect(read).toHaveLength(rows.length);
    for (const [index, row] of rows.entries()) {
      expect(read[index]?.map((cell) => cell.replace(/^'(?='*[=+\-@\t])/, ""))).toEqual(row);
    }
  });

  it("is read by us as it was", () => {
    for (const row of awkwardRows(2, 2000)) expect(csvCells(csvRow(row).slice(0, -1))).toEqual(row);
  });

  it("holds nothing that a spreadsheet would run, and leaves numbers alone", () => {
    expect(csvRow(["=1+1", "+cmd", "-x", "@SUM(A1)", "\tx"])).toBe("'=1+1,'+cmd,'-x,'@SUM(A1),'\tx\n");
    expect(csvRow(["-5", "+1.5", "3-4", "a=b"])).toBe("-5,+1.5,3-4,a=b\n");
  });

  it("shows what a terminal would obey", () => {
    expect(csvRow(["a\u001b[31m"])).toBe(String.raw`a\x1b[31m` + "\n");
  });

  it("has the same columns for answers and for failures", () => {
    const { header = "", print } = csvPrinter(false);
    const failure = failedOutcome(new FlashSlothError("image-invalid", 'it is "damaged", badly'), {
      label: "b.png",
    });
    const text = header + print(answeredOutcome({ id: 3, text: "Red,\ngreen" }), {}) + print(failure, {});
    const [answered, failed] = parse(text, { columns: true });
    expect(Object.values(answered ?? {})).toEqual([
      "3",
      "a.png",
      "Why?",
      "Red,\ngreen",
      "",
      "",
      "stop",
      "demo",
      "0.003",
    ]);
    const reason = ["image-invalid", 'it is "damaged", badly'];
    expect(Object.values(failed ?? {})).toEqual(["", "b.png", "Why?", "", ...reason, "", "demo", ""]);
    expect(Object.keys(failed ?? {})).toEqual(Object.keys(answered ?? {}));
  });
});
