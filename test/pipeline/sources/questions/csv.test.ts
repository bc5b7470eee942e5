import { describe, expect, it } from "vitest";
import { csvCells, csvHeader, csvObject } from "../../../../src/pipeline/sources/questions/csv.ts";

describe("csvCells", () => {
  it.each([
    ["a,b,c", ["a", "b", "c"]],
    ["", [""]],
    [",", ["", ""]],
    ['"a,b","say ""hi""",""', ["a,b", 'say "hi"', ""]],
    ['5" pipe,6', ['5" pipe', "6"]],
    ['"a" b,c', ["a b", "c"]],
    ['"two\nlines",x', ["two\nlines", "x"]],
  ])("%j", (text, cells) => {
    expect(csvCells(text, ",")).toEqual(cells);
  });

  it("says where a record goes on", () => {
    expect(csvCells('a,"b', ",")).toBeUndefined();
    expect(csvCells('a,"b""', ",")).toBeUndefined();
  });
});

describe("csvHeader", () => {
  it("finds the separator by the column of pictures", () => {
    expect(csvHeader('ID;Image;"Question"')).toEqual({ separator: ";", names: ["id", "image", "question"] });
    expect(csvHeader("file_name\ttext")?.separator).toBe("\t");
    expect(csvHeader("a,b,c")).toBeUndefined();
    expect(csvHeader("photo.jpg")).toBeUndefined();
  });
});

describe("csvObject", () => {
  const header = { separator: ",", names: ["file_name", "question"] };

  it("leaves empty cells out, and refuses more than there are columns", () => {
    expect(csvObject(header, ["a.png"])).toEqual({ image: "a.png" });
    expect(csvObject(header, ["a.png", ""])).toEqual({ image: "a.png" });
    expect(() => csvObject(header, ["a.png", "b", "c"])).toThrow("3 cells, and the first line has 2");
  });
});
