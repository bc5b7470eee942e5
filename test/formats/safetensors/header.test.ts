import { describe, expect, it } from "vitest";
import { MemorySource } from "../../../src/core/files/bytes.ts";
import { FlashSlothError } from "../../../src/core/errors.ts";
import { SafetensorsFile } from "../../../src/formats/safetensors/file.ts";
import { MAX_HEADER_BYTES } from "../../../src/formats/safetensors/limits.ts";
import { entry, fileBytes } from "./build.ts";

const open = (bytes: Uint8Array): Promise<SafetensorsFile> =>
  SafetensorsFile.open(new MemorySource(bytes, "t.safetensors"));

const openHeader = (header: unknown, dataBytes: number): Promise<SafetensorsFile> =>
  open(fileBytes(JSON.stringify(header), dataBytes));

const announced = (length: bigint): Uint8Array => {
  const bytes = fileBytes("{}", 0);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
};

async function reason(opening: Promise<unknown>): Promise<string> {
  const error: unknown = await opening.then(
    () => new Error("it opened"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FlashSlothError)) throw error;
  expect(error.code).toBe("checkpoint-invalid");
  return error.message;
}

describe("a safetensors file", () => {
  it("gives its tensors and their bytes, whatever the order of the header", async () => {
    const bytes = fileBytes(
      JSON.stringify({
        b: entry("F32", [1, 2], 4, 12),
        __metadata__: { format: "pt" },
        a: entry("F16", [2], 0, 4),
        none: entry("F16", [0, 3], 4, 4),
        scalar: entry("I64", [], 12, 20),
      }),
      20,
    );
    bytes.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], bytes.byteLength - 20);
    const file = await open(bytes);

    expect([...file.tensors.keys()].sort()).toEqual(["a", "b", "none", "scalar"]);
    expect(file.tensors.get("b")).toEqual({
      name: "b",
      dtype: "F32",
      shape: [1, 2],
      byteLength: 8,
      offset: bytes.byteLength - 16,
      file: "t.safetensors",
    });
    expect(file.metadata).toEqual(new Map([["format", "pt"]]));
    expect([...(await file.read("a"))]).toEqual([1, 2, 3, 4]);
    expect([...(await file.read("b"))]).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    expect(await file.read("none")).toHaveLength(0);
  });

  it("may have a header padded with spaces, names in any script, and strings full of punctuation", async () => {
    const header = { 'я":{,\\': entry("U8", [1], 0, 1), __metadata__: { ':"': "a:b\\:" } };
    const file = await open(fileBytes(`${JSON.stringify(header)}     `, 1));
    expect([...file.tensors.keys()]).toEqual(['я":{,\\']);
  });

  it("knows types narrower than a byte", async () => {
    const file = await openHeader({ a: entry("F4", [3, 2], 0, 3), b: entry("F6_E2M3", [4], 3, 6) }, 6);
    expect(file.tensors.get("a")?.byteLength).toBe(3);
    expect(await reason(openHeader({ a: entry("F4", [3], 0, 1) }, 1))).toMatch(
      /"a" needs .* bytes for F4 \[3\]/,
    );
  });

  it("refuses a read of a tensor it does not have", async () => {
    const file = await openHeader({}, 0);
    expect(await reason(file.read("x"))).toBe('t.safetensors: holds no tensor "x"');
  });
});

describe("a safetensors header is refused", () => {
  it.each([
    ["an empty file", new Uint8Array(0), "0 bytes are too few for a safetensors file"],
    ["a file of seven bytes", new Uint8Array(7), "7 bytes are too few for a safetensors file"],
    ["a header beyond the file", announced(3n), "a header of 3 bytes in a file of 10: the file is cut short"],
    [
      "a header above the limit",
      announced(BigInt(MAX_HEADER_BYTES) + 1n),
      "a header of 100000001 bytes, more than the 100000000 allowed",
    ],
    ["a header of 2^64 - 1", announced(2n ** 64n - 1n), /a header of 18446744073709551615 bytes, more than/],
    ["no header", fileBytes("", 4), "the header does not begin with {"],
    ["a leading space", fileBytes(" {}", 0), "the header does not begin with {"],
    ["a byte order mark", fileBytes("\uFEFF{}", 0), "the header does not begin with {"],
    ["an array", fileBytes("[]", 0), "the header does not begin with {"],
    ["half a header", fileBytes('{"a":', 0), "the header is not JSON"],
    ["bytes that are no UTF-8", fileBytes(Uint8Array.of(0x7b, 0xff, 0x7d), 0), "the header is not UTF-8"],
    ["deep nesting", fileBytes(`{"a":${"[".repeat(100_000)}`, 0), "the header is not JSON"],
  ])("for %s", async (_, bytes, expected) => {
    const message = await reason(open(bytes));
    expect(message).toMatch(/^t\.safetensors: /);
    expect(message).toMatch(expected);
  });

  it.each([
    ["an entry that is no object", { a: 1 }, 0, '"a" is not described by an object'],
    ["an unknown field", { a: { ...entry("U8", [1], 0, 1), x: 1 } }, 1, '"a" is described by more than'],
    ["an unknown dtype", { a: entry("F12", [1], 0, 2) }, 2, 'tensor "a" has the unknown dtype "F12"'],
    ["an inherited name as dtype", { a: entry("toString", [1], 0, 2) }, 2, "unknown dtype"],
    ["no dtype", { a: { shape: [1], data_offsets: [0, 2] } }, 2, '"a" has the unknown dtype (none)'],
    ["a negative size", { a: entry("F16", [-1], 0, 2) }, 2, '"a" has no shape of non-negative integers'],
    ["a fractional size", { a: entry("F16", [0.5], 0, 1) }, 1, '"a" has no shape of non-negative integers'],
    ["an absurd size", { a: entry("F16", [2 ** 40, 2 ** 40], 0, 2) }, 2, '"a" needs more than 2^53 bytes'],
    ["absurd sizes beside a zero", { a: entry("F16", [2 ** 40, 2 ** 40, 0], 0, 0) }, 0, "more than 2^53"],
    ["too many axes", { a: entry("U8", Array<number>(17).fill(1), 0, 1) }, 1, '"a" has 17 axes'],
    [
      "one offset",
      { a: { dtype: "U8", shape: [1], data_offsets: [0] } },
      1,
      '"a" has no pair of data_offsets',
    ],
    ["a negative offset", { a: entry("U8", [1], -1, 0) }, 1, '"a" has no pair of data_offsets'],
    ["offsets in reverse", { a: entry("U8", [1], 1, 0) }, 1, '"a" ends before it begins (data_offsets 1, 0)'],
    ["data beyond the file", { a: entry("U8", [2], 0, 2) }, 1, '"a" ends at byte 2 of 1 bytes of data'],
    [
      "shape and range that differ",
      { a: entry("F16", [3], 0, 4) },
      4,
      '"a" needs 6 bytes for F16 [3] and has 4',
    ],
    [
      "an overlap",
      { a: entry("U8", [4], 0, 4), b: entry("U8", [4], 3, 7) },
      7,
      'tensor "b" begins at byte 3, inside tensor "a"',
    ],
    [
      "a hole",
      { a: entry("U8", [2], 0, 2), b: entry("U8", [2], 3, 5) },
      5,
      'bytes 2..3 before tensor "b" belong to no tensor',
    ],
    ["a hole at the beginning", { a: entry("U8", [2], 1, 3) }, 3, 'bytes 0..1 before tensor "a"'],
    ["bytes after the last tensor", { a: entry("U8", [2], 0, 2) }, 3, "bytes 2..3 belong to no tensor"],
    ["metadata that is no object", { __metadata__: [] }, 0, "__metadata__ is not an object"],
    ["metadata of numbers", { __metadata__: { n: 1 } }, 0, '__metadata__: the value of "n" is not a string'],
  ])("for %s", async (_, header, dataBytes, expected) => {
    expect(await reason(openHeader(header, dataBytes))).toContain(expected);
  });

  it("for a name given twice, at any level", async () => {
    const one = JSON.stringify(entry("U8", [1], 0, 1));
    expect(await reason(open(fileBytes(`{"a":${one},"a":${one}}`, 1)))).toContain("names something twice");
    const twice = one.replace("{", '{"dtype":"F32",');
    expect(await reason(open(fileBytes(`{"a":${twice}}`, 1)))).toContain("names something twice");
    const metadata = '{"__metadata__":{"k":"1","\\u006b":"2"}}';
    expect(await reason(open(fileBytes(metadata, 0)))).toContain("names something twice");
  });

  it("without printing a hostile name as it is", async () => {
    const name = `\u001b[2J\n\u009b${"x".repeat(10_000)}`;
    const message = await reason(openHeader({ [name]: 1 }, 0));
    expect(message.length).toBeLessThan(400);
    // oxlint-disable-next-line no-control-regex
    expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});
