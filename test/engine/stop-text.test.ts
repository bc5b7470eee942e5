import { describe, expect, it } from "vitest";
import { StopText } from "../../src/engine/stop-text.ts";
import { TextStream } from "../../src/engine/text-stream.ts";
import { randomIntegers } from "../random.ts";

/** What comes out of text that comes in these pieces, and whether a stop ended it. */
function through(stops: readonly string[], pieces: readonly string[]): { text: string; stopped: boolean } {
  const stop = new StopText(stops);
  const text = pieces.map((piece) => stop.push(piece)).join("") + stop.end();
  return { text, stopped: stop.stopped };
}

describe("text that ends before a stop", () => {
  it.each([
    [["."], "Red. Blue.", "Red"],
    [["no"], "Red. Blue.", "Red. Blue."],
    [["Blue", " B"], "Red. Blue.", "Red."],
    [["abcd", "bc"], "xabcd", "xa"], // which is complete first
    [["aab"], "aaaab", "aa"],
    [["\n\n"], "a\nb\n\nc", "a\nb"],
    [["🐈"], "a 🐈", "a "],
    [["a"], "a", ""],
  ])("%j in %j gives %j, however it is cut", (stops, whole, expected) => {
    const next = randomIntegers(whole.length);
    for (let round = 0; round < 200; round++) {
      const pieces: string[] = [];
      for (let at = 0; at < whole.length;) {
        const length = 1 + (next() % 4);
        pieces.push(whole.slice(at, at + length));
        at += length;
      }
      const found = through(stops, pieces);
      expect(found, JSON.stringify(pieces)).toEqual({ text: expected, stopped: expected !== whole });
    }
  });

  it("is given as soon as it cannot be part of a stop, and not before", () => {
    const stop = new StopText(["END."]);
    expect(["a E", "N", "D", " EN"].map((piece) => stop.push(piece))).toEqual(["a ", "", "", "END "]);
    expect(stop.push("D.")).toBe("");
    expect(stop.stopped).toBe(true);
    expect(stop.push("more")).toBe("");
  });
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe("TextStream with stops", () => {
  it("looks for them in the answer, which has no white space around it", () => {
    const stream = new TextStream({ stop: [" ", "\n"] });
    expect([" ", "\n", " Red", " or"].map((piece) => stream.push(bytes(piece)))).toEqual(["", "", "Red", ""]);
    expect(stream.stopped).toBe(true);
    expect(stream.text).toBe("Red");
  });

  it("drops white space before one", () => {
    const stream = new TextStream({ stop: ["STOP"] });
    const pieces = [" a", " ", "b ", "ST", "OP c"].map((piece) => stream.push(bytes(piece)));
    expect(pieces.join("") + stream.end()).toBe("a b");
  });

  it("gives what only looked like the beginning of one when nothing follows", () => {
    const stream = new TextStream({ stop: ["STOP"] });
    expect(stream.push(bytes("a ST"))).toBe("a");
    expect(stream.end()).toBe(" ST");
    expect(stream.stopped).toBe(false);
  });
});
