import { describe, expect, it } from "vitest";
import { MemorySource } from "../../../src/core/bytes.ts";
import { FlashSlothError } from "../../../src/core/errors.ts";
import { HeaderEncoder } from "../../../src/formats/gguf/encode.ts";
import {
  MAX_HEADER_BYTES,
  MAX_METADATA_ENTRIES,
  MAX_TENSORS,
  readGgufLayout,
} from "../../../src/formats/gguf/read.ts";
import { MAGIC, VERSION } from "../../../src/formats/gguf/types.ts";
import { MAX_ARRAY_ITEMS, MAX_STRING_BYTES } from "../../../src/formats/gguf/values.ts";
import { encode, EVERY_TYPE, someTensors } from "./samples.ts";

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

function tensor(encoder: HeaderEncoder, fields: TensorFields): void {
  const { name = "t", sizes = [8], type = 0, offset = 0 } = fields;
  encoder.string(name);
  encoder.uint32(sizes.length);
  for (const size of sizes) encoder.uint64(size);
  encoder.uint32(type);
  encoder.uint64(offset);
}

async function read(bytes: Uint8Array): Promise<Awaited<ReturnType<typeof readGgufLayout>>> {
  return await readGgufLayout(new MemorySource(bytes, "bad.gguf"));
}

const HOSTILE: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["an empty file", new Uint8Array(), /ends inside its header/],
  ["another format", new TextEncoder().encode("PK\u0003\u0004 not at all"), /not a GGUF file/],
  ["an old version", new Uint8Array([...new TextEncoder().encode("GGUF"), 1, 0, 0, 0]), /version 1 is not/],
  ["too many tensors", header(MAX_TENSORS + 1, 0, () => {}), /number of tensors is 65537/],
  ["too many entries", header(0, MAX_METADATA_ENTRIES + 1, () => {}), /number of metadata entries is 4097/],
  ["a key longer than the file", header(0, 1, (e) => e.uint64(60_000)), /ends inside its header/],
  ["a key of 2^53 bytes", header(0, 1, (e) => e.uint64(2 ** 53)), /length of a metadata key/],
  [
    "a text beyond the limit",
    header(0, 1, (e) => {
      e.string("k");
      e.uint32(8);
      e.uint64(MAX_STRING_BYTES + 1);
    }),
    /the length of k is 1048577/,
  ],
  [
    "an unknown value type",
    header(0, 1, (e) => {
      e.string("k");
      e.uint32(13);
    }),
    /unknown value type 13/,
  ],
  [
    "an array of arrays",
    header(0, 1, (e) => {
      e.string("k");
      e.uint32(9);
      e.uint32(9);
    }),
    /array of arrays/,
  ],
  [
    "an array beyond the limit",
    header(0, 1, (e) => {
      e.string("k");
      e.uint32(9);
      e.uint32(0);
      e.uint64(MAX_ARRAY_ITEMS + 1);
    }),
    /number of items of k is 4194305/,
  ],
  [
    "an array beyond the file",
    header(0, 1, (e) => {
      e.string("k");
      e.uint32(9);
      e.uint32(8);
      e.uint64(MAX_ARRAY_ITEMS);
    }),
    /beyond the end of the file/,
  ],
  [
    "one key twice",
    header(0, 2, (e) => {
      for (let i = 0; i < 2; i++) {
        e.string("k");
        e.typedValue({ type: "uint32", value: 1 });
      }
    }),
    /two metadata entries are called "k"/,
  ],
  [
    "an alignment of 24",
    header(0, 1, (e) => {
      e.string("general.alignment");
      e.typedValue({ type: "uint32", value: 24 });
    }),
    /no small power of two/,
  ],
  [
    "an alignment of text",
    header(0, 1, (e) => {
      e.string("general.alignment");
      e.typedValue({ type: "string", value: "32" });
    }),
    /no uint32/,
  ],
  ["five dimensions", header(1, 0, (e) => tensor(e, { sizes: [1, 1, 1, 1, 1] })), /has 5 dimensions/],
  ["no dimension", header(1, 0, (e) => tensor(e, { sizes: [] })), /has 0 dimensions/],
  ["a size of zero", header(1, 0, (e) => tensor(e, { sizes: [0] })), /a size of 0/],
  ["sizes that overflow", header(1, 0, (e) => tensor(e, { sizes: [2 ** 40, 2 ** 40] })), /too large/],
  ["an unknown tensor type", header(1, 0, (e) => tensor(e, { type: 4 })), /unknown type 4/],
  ["half a block", header(1, 0, (e) => tensor(e, { sizes: [128], type: 12 })), /no whole number of Q4_K/],
  ["an unaligned tensor", header(1, 0, (e) => tensor(e, { offset: 8 })), /stands at 8, expected 0/],
  ["a tensor beyond the file", header(1, 0, (e) => tensor(e, { sizes: [5000] })), /ends before the end/],
  [
    "overlapping tensors",
    header(2, 0, (e) => {
      tensor(e, { name: "a", sizes: [64] });
      tensor(e, { name: "b", sizes: [64], offset: 32 });
    }),
    /b stands at 32, expected 256/,
  ],
  [
    "one tensor name twice",
    header(2, 0, (e) => {
      tensor(e, { sizes: [8] });
      tensor(e, { sizes: [8], offset: 32 });
    }),
    /two tensors have one name/,
  ],
  [
    "a key that is not UTF-8",
    header(0, 1, (e) => {
      e.uint64(1);
      e.typedValue({ type: "uint32", value: 0xff });
    }).map((byte, index) => (index === 32 ? 0xff : byte)),
    /not UTF-8/,
  ],
];

describe("readGgufLayout", () => {
  it.each(HOSTILE)("refuses %s", async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toMatchObject({ code: "model-invalid" });
    await expect(read(bytes)).rejects.toThrow(message);
    await expect(read(bytes)).rejects.toThrow(/^bad\.gguf: /);
  });

  it("refuses a header without an end", async () => {
    const endless = header(0, 4096, (e) => {
      for (let i = 0; i < 80; i++) {
        e.string(`k${i}`);
        e.typedValue({ type: "string", value: "x".repeat(MAX_STRING_BYTES) });
      }
    });
    await expect(read(endless)).rejects.toThrow(`its header is longer than ${MAX_HEADER_BYTES} bytes`);
  });

  it("reads a header that is longer than the first read", async () => {
    const values = Array.from({ length: 300_000 }, (_, index) => `token ${index}`);
    const bytes = await encode(new Map([["tokens", { type: "array", of: "string", values }]]), someTensors());
    const layout = await read(bytes);
    expect(layout.metadata.get("tokens")).toEqual({ type: "array", of: "string", values });
    expect(layout.tensors).toHaveLength(3);
  });

  it("honours another alignment", async () => {
    const bytes = header(1, 1, (e) => {
      e.string("general.alignment");
      e.typedValue({ type: "uint32", value: 512 });
      tensor(e, { sizes: [8] });
    });
    const layout = await read(bytes);
    expect(layout.alignment).toBe(512);
    expect(layout.tensors[0]?.offset).toBe(512);
  });

  it("refuses every truncation of a good file, and says so in one way", async () => {
    const bytes = await encode(EVERY_TYPE, someTensors());
    const { tensors } = await read(bytes);
    const last = tensors.at(-1);
    const end = (last?.offset ?? 0) + (last?.byteLength ?? 0);
    for (let length = 0; length < end; length++) {
      await expect(read(bytes.slice(0, length))).rejects.toMatchObject({ code: "model-invalid" });
    }
    await expect(read(bytes.slice(0, end))).resolves.toBeDefined();
  });

  it("survives 20,000 random alterations: a layout inside the file, or a named refusal", async () => {
    const good = await encode(EVERY_TYPE, someTensors());
    const random = generator(20_241_204);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = good.slice();
      for (let change = random() % 4; change >= 0; change--) {
        const at = random() % bytes.byteLength;
        const kind = random() % 3;
        if (kind === 0) bytes[at] = random() & 0xff;
        else if (kind === 1) bytes.fill(0xff, at, at + (random() % 9));
        else bytes.copyWithin(at, random() % bytes.byteLength, random() % bytes.byteLength);
      }
      try {
        const { tensors } = await read(bytes);
        for (const { offset, byteLength } of tensors) {
          expect(offset + byteLength).toBeLessThanOrEqual(bytes.byteLength);
        }
      } catch (error) {
        if (!(error instanceof FlashSlothError)) throw error;
        expect(error.code).toBe("model-invalid");
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(20_000);
  });
});

/** Seeded 32-bit numbers (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
