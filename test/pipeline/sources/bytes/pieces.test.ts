import { describe, expect, it } from "vitest";
import { pieces, type PiecesOptions } from "../../../../src/pipeline/sources/bytes/pieces.ts";

const LINES: PiecesOptions = { separator: 10, longest: 5 };

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function* silent(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("a\nb");
  await new Promise(() => {});
}

/** 400 MB without a separator. */
async function* endless(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < 400; count++) yield new Uint8Array(1 << 20).fill(1);
}

async function cut(text: string, size: number, options = LINES): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for await (const { number, bytes } of pieces(chunksOf(Buffer.from(text), size), options)) {
    found.push(bytes && Buffer.from(bytes).toString());
    expect(number).toBe(found.length);
  }
  return found;
}

describe("pieces", () => {
  const text = "abcde\n\nabcdef\nb\n12345678901234567890\nend";
  const expected = ["abcde", "", undefined, "b", undefined, "end"];

  it.each([1, 2, 3, 7, 100])("are the same in chunks of %i bytes", async (size) => {
    expect(await cut(text, size)).toEqual(expected);
  });

  it("end where the text does, with a separator or without", async () => {
    expect(await cut("a\nb", 9)).toEqual(["a", "b"]);
    expect(await cut("a\nb\n", 9)).toEqual(["a", "b"]);
    expect(await cut("", 9)).toEqual([]);
    expect(await cut("a\nb\n\0c", 9, { separator: 0, longest: 5 })).toEqual(["a\nb\n", "c"]);
  });

  it("are given as soon as their end is there", async () => {
    const first = await pieces(silent(), LINES).next();
    expect(first.value).toEqual({ number: 1, bytes: Buffer.from("a") });
  });

  it("hold nothing of one that has no end", async () => {
    const before = process.memoryUsage.rss();
    for await (const { bytes } of pieces(endless(), LINES)) expect(bytes).toBeUndefined();
    expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
  });
});
