import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import { HeaderEncoder } from "../../../src/formats/gguf/encode.ts";
import { MAGIC, VERSION } from "../../../src/formats/gguf/types.ts";
import { findStoredTensor, type StoredTensor } from "../../../src/language/ffi/gguf.ts";
import { loadLlama, type LlamaLibrary } from "../../../src/language/ffi/library.ts";
import { counting, encode, EVERY_TYPE, someTensors } from "../../formats/gguf/samples.ts";
import { randomIntegers } from "../../random.ts";

let library: LlamaLibrary;
const folder = mkdtempSync(join(tmpdir(), "flashsloth-hostile-"));
const path = join(folder, "bad.gguf");

beforeAll(async () => {
  library = await loadLlama("cpu");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A header by hand: counts first, then whatever `rest` writes, then 4 KiB of zeros. */
function header(tensors: number, entries: number, rest: (encoder: HeaderEncoder) => void): Uint8Array {
  const encoder = new HeaderEncoder();
  encoder.uint32(MAGIC);
  encoder.uint32(VERSION);
  encoder.uint64(tensors);
  encoder.uint64(entries);
  rest(encoder);
  encoder.padTo(encoder.length + 4096);
  return encoder.finish();
}

interface TensorFields {
  name?: string;
  /** ggml's order, innermost first */
  sizes?: number[];
  type?: number;
  offset?: number;
}

function tensor(encoder: HeaderEncoder, fields: TensorFields = {}): void {
  const { name = "t", sizes = [8], type = 0, offset = 0 } = fields;
  encoder.string(name);
  encoder.uint32(sizes.length);
  for (const size of sizes) encoder.uint64(size);
  encoder.uint32(type);
  encoder.uint64(offset);
}

/** A header of one metadata entry, and of a tensor that is as it should be. */
function entry(key: string, value: (encoder: HeaderEncoder) => void): Uint8Array {
  return header(1, 1, (e) => {
    e.string(key);
    value(e);
    tensor(e);
  });
}

function find(bytes: Uint8Array, name = "t"): StoredTensor | null {
  writeFileSync(path, bytes);
  return findStoredTensor(library, path, name);
}

/** What is thrown, if anything is. */
function refusal(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

const READABLE = { type: "F32", shape: [8] };

const HOSTILE: readonly (readonly [string, Uint8Array])[] = [
  ["an empty file", new Uint8Array()],
  ["another format", new TextEncoder().encode("PK\u0003\u0004 not at all")],
  ["an old version", new Uint8Array([...new TextEncoder().encode("GGUF"), 1, 0, 0, 0])],
  ["more tensors than the file describes", header(2 ** 40, 0, (e) => tensor(e))],
  ["more tensors than can be counted", header(2 ** 62, 0, (e) => tensor(e))],
  ["more entries than the file has", header(1, 2 ** 40, (e) => tensor(e))],
  ["a key longer than the file", header(1, 1, (e) => e.uint64(60_000))],
  ["a key of 2^53 bytes", header(1, 1, (e) => e.uint64(2 ** 53))],
  [
    "a text longer than the file",
    entry("k", (e) => {
      e.uint32(8);
      e.uint64(2 ** 30);
    }),
  ],
  ["an unknown value type", entry("k", (e) => e.uint32(13))],
  [
    "an array of arrays",
    entry("k", (e) => {
      e.uint32(9);
      e.uint32(9);
    }),
  ],
  [
    "an array beyond the file",
    entry("k", (e) => {
      e.uint32(9);
      e.uint32(8);
      e.uint64(2 ** 22);
    }),
  ],
  [
    "an array beyond all limits",
    entry("k", (e) => {
      e.uint32(9);
      e.uint32(0);
      e.uint64(2 ** 62);
    }),
  ],
  [
    "one key twice",
    header(1, 2, (e) => {
      for (let i = 0; i < 2; i++) {
        e.string("k");
        e.typedValue({ type: "uint32", value: 1 });
      }
      tensor(e);
    }),
  ],
  ["a key without a name", entry("", (e) => e.typedValue({ type: "uint32", value: 1 }))],
  ["an alignment of 24", entry("general.alignment", (e) => e.typedValue({ type: "uint32", value: 24 }))],
  ["an alignment of 0", entry("general.alignment", (e) => e.typedValue({ type: "uint32", value: 0 }))],
  ["an alignment of text", entry("general.alignment", (e) => e.typedValue({ type: "string", value: "32" }))],
  ["five dimensions", header(1, 0, (e) => tensor(e, { sizes: [1, 1, 1, 1, 1] }))],
  ["sizes that overflow", header(1, 0, (e) => tensor(e, { sizes: [2 ** 40, 2 ** 40] }))],
  ["an unknown tensor type", header(1, 0, (e) => tensor(e, { type: 4 }))],
  ["a tensor type beyond all", header(1, 0, (e) => tensor(e, { type: 2 ** 31 }))],
  ["half a block", header(1, 0, (e) => tensor(e, { sizes: [128], type: 12 }))],
  ["an unaligned tensor", header(1, 0, (e) => tensor(e, { offset: 8 }))],
  ["a tensor beyond the file", header(1, 0, (e) => tensor(e, { sizes: [5000] }))],
  ["a name of 64 bytes", header(1, 0, (e) => tensor(e, { name: "t".repeat(64) }))],
  [
    "overlapping tensors",
    header(2, 0, (e) => {
      tensor(e, { sizes: [64] });
      tensor(e, { name: "b", sizes: [64], offset: 32 });
    }),
  ],
  [
    "one tensor name twice",
    header(2, 0, (e) => {
      tensor(e);
      tensor(e, { offset: 32 });
    }),
  ],
  [
    "a last tensor beyond the file",
    header(2, 0, (e) => {
      tensor(e);
      tensor(e, { name: "b", sizes: [2 ** 40], offset: 32 });
    }),
  ],
];

const ROUNDS = Number(process.env["FLASHSLOTH_GGUF_ROUNDS"] ?? 20_000);

describe("findStoredTensor", () => {
  it.each(HOSTILE)("refuses %s", (_, bytes) => {
    expect(refusal(() => find(bytes))).toMatchObject({
      code: "model-invalid",
      message: expect.stringMatching(/bad\.gguf is no whole GGUF file: /),
    });
  });

  it("refuses a file that is not there, and a folder", () => {
    for (const absent of [join(folder, "absent.gguf"), folder]) {
      const error = refusal(() => findStoredTensor(library, absent, "t"));
      expect(error).toMatchObject({ code: "model-invalid" });
    }
  });

  it("finds the tensor of the same header without the damage", () => {
    expect(find(header(1, 0, (e) => tensor(e)))).toMatchObject(READABLE);
    expect(find(entry("k", (e) => e.typedValue({ type: "uint32", value: 1 })))).toMatchObject(READABLE);
    expect(
      find(
        header(1, 0, (e) => tensor(e)),
        "u",
      ),
    ).toBeNull();
    expect(find(header(0, 0, () => {}))).toBeNull();
  });

  it("says where a tensor stands, with its shape as we write it", async () => {
    const bytes = await encode(EVERY_TYPE, someTensors());
    const found = ["matrix", "vector", "blocks"].map((name) => find(bytes, name));
    expect(found).toMatchObject([
      { type: "F16", shape: [3, 5] },
      { type: "F32", shape: [8] },
      { type: "Q4_K", shape: [2, 256] },
    ]);
    for (const stored of found) {
      const at = stored?.offset ?? 0;
      expect(bytes.slice(at, at + 5)).toEqual(counting(5)); // all three count from 1
    }
  });

  it("honours another alignment", () => {
    const value = { type: "uint32", value: 512 } as const;
    expect(find(entry("general.alignment", (e) => e.typedValue(value)))?.offset).toBe(512);
  });

  it("refuses every truncation of a good file", async () => {
    const bytes = await encode(EVERY_TYPE, someTensors());
    const end = (find(bytes, "blocks")?.offset ?? 0) + 288;
    expect(find(bytes.slice(0, end), "matrix")).not.toBeNull();
    for (let length = end - 1; length >= 0; length--) {
      truncateSync(path, length);
      const error = refusal(() => findStoredTensor(library, path, "matrix"));
      expect(error).toMatchObject({ code: "model-invalid" });
    }
  });

  it(`survives ${ROUNDS} random alterations: a tensor inside the file, none, or a named refusal`, async () => {
    const good = await encode(EVERY_TYPE, someTensors());
    const random = randomIntegers(20_241_204);
    let refused = 0;
    writeFileSync(path, good);
    const file = openSync(path, "r+"); // to write in place: some file systems flush what replaces a file
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = good.slice();
      for (let change = random() % 4; change >= 0; change--) {
        const at = random() % bytes.byteLength;
        const kind = random() % 3;
        if (kind === 0) bytes[at] = random() & 0xff;
        else if (kind === 1) bytes.fill(0xff, at, at + (random() % 9));
        else bytes.copyWithin(at, random() % bytes.byteLength, random() % bytes.byteLength);
      }
      writeSync(file, bytes, 0, bytes.byteLength, 0);
      try {
        const found = findStoredTensor(library, path, "matrix");
        expect(found?.offset ?? 0).toBeLessThanOrEqual(bytes.byteLength);
      } catch (error) {
        if (!(error instanceof FlashSlothError)) throw error;
        expect(error.code).toBe("model-invalid");
        refused++;
      }
    }
    closeSync(file);
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(ROUNDS);
  });
});
