import { describe, expect, it } from "vitest";
import { PasteReader, type Keystrokes } from "../../../src/cli/chat/keys.ts";
import { random } from "../../random.ts";

const ESCAPE = "\u001b";
const BEGIN = `${ESCAPE}[200~`;
const END = `${ESCAPE}[201~`;

/** What comes out, neighbours joined. */
function read(pieces: readonly string[]): Keystrokes[] {
  const reader = new PasteReader();
  const found: { keys?: string; text?: string }[] = [];
  for (const stroke of pieces.flatMap((piece) => reader.push(piece))) {
    const last = found.at(-1);
    if ("keys" in stroke && last?.keys !== undefined) last.keys += stroke.keys;
    else found.push({ ...stroke });
  }
  return found as Keystrokes[];
}

describe("what a terminal sends", () => {
  it("is keys, and what was pasted", () => {
    expect(read(["a", "b\r"])).toEqual([{ keys: "ab\r" }]);
    expect(read([`a${BEGIN}two\nlines${END}\r`])).toEqual([
      { keys: "a" },
      { text: "two\nlines" },
      { keys: "\r" },
    ]);
    expect(read([`${BEGIN}${END}`])).toEqual([{ text: "" }]);
    expect(read([`${BEGIN}a${BEGIN}b${END}`])).toEqual([{ text: `a${BEGIN}b` }]);
  });

  it("is the same wherever it is cut after a mark's third character", () => {
    const whole = `ab${BEGIN}x ${ESCAPE}[A y${END}${ESCAPE}[A`;
    const expected = read([whole]);
    // a lone Escape is a key, and is not waited for
    const keys = new Set([3, 4, whole.lastIndexOf(END) + 1, whole.lastIndexOf(END) + 2]);
    const places = Array.from({ length: whole.length + 1 }, (_, at) => at).filter((at) => !keys.has(at));
    const found = places.map((at) => read([whole.slice(0, at), whole.slice(at)]));
    expect(found).toEqual(places.map(() => expected));
  });

  it("gives single keys at once, Escape too", () => {
    for (const key of [ESCAPE, `${ESCAPE}[`, `${ESCAPE}[A`, "\u0003", "ü", "\u{1f431}"]) {
      expect(read([key])).toEqual([{ keys: key }]);
    }
  });

  it("is text where so much comes at once that nobody typed it", () => {
    const text = "What is this, and where was it taken?";
    expect(read([text])).toEqual([{ text }]);
    expect(read([`${text}\r`])).toEqual([{ keys: `${text}\r` }]);
  });

  it("ends a paste whose end was lost at Ctrl-C", () => {
    expect(read([`${BEGIN}lost`, "more", "\u0003", "a"])).toEqual([{ keys: "\u0003a" }]);
    expect(read([`${BEGIN}lost`, "more\u0003\u0004"])).toEqual([{ keys: "\u0003\u0004" }]);
  });

  it("loses nothing outside of pastes, whatever comes in whatever pieces", () => {
    const next = random(5);
    const alphabet = [BEGIN, END, ESCAPE, "[", "2", "0", "~", "a", "\r", "ü"];
    for (let round = 0; round < 2000; round++) {
      const pieces = Array.from({ length: 8 }, () => alphabet[Math.floor(next() * alphabet.length)] ?? "");
      const found = read([...pieces, END, END]);
      const all = found.map((stroke) => ("text" in stroke ? stroke.text : stroke.keys)).join("");
      const expected = pieces.join("").replaceAll(BEGIN, "").replaceAll(END, "");
      expect(all.replaceAll(BEGIN, "").replaceAll(END, "")).toBe(expected);
    }
  });

  it("holds no more of a paste than a question may have", () => {
    const reader = new PasteReader();
    reader.push(BEGIN);
    for (let piece = 0; piece < 40; piece++) reader.push("x".repeat(100_000));
    const [stroke] = reader.push(END);
    expect(stroke).toEqual({ text: "x".repeat(1_000_000) });
  });
});
