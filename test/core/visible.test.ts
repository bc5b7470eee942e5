import { describe, expect, it } from "vitest";
import { oneLine, visible, visibleText } from "../../src/core/visible.ts";

describe("text for a terminal", () => {
  it("shows control characters instead of sending them", () => {
    expect(visible("a\u001b[31mb\u0007\u007f\u009b2J\u2028c\n")).toBe(
      String.raw`a\x1b[31mb\x07\x7f\x9b2J\u2028c\x0a`,
    );
  });

  it("leaves every other character as it is", () => {
    const text = "Ein Schäfchen 羊 🐑 – \\x1b";
    expect(visible(text)).toBe(text);
  });

  it("keeps an answer's newlines and tabs where it has lines of its own", () => {
    expect(visibleText("a\tb\nc\rd")).toBe(String.raw`a	b
c\x0dd`);
  });

  it("folds an answer to one line", () => {
    expect(oneLine(" a \r\n\n  b\nc\u2028d\u001b[2J ")).toBe(String.raw`a b c d\x1b[2J`);
  });
});
