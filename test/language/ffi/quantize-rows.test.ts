import { existsSync } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { typesByName } from "../../../src/convert/language/tensor-types.ts";
import { writeLanguage } from "../../../src/convert/language/write.ts";
import { toFloat32 } from "../../../src/core/model/dtype.ts";
import { loadLlama, type LlamaLibrary } from "../../../src/language/ffi/library.ts";
import { quantize } from "../../../src/language/quantize.ts";
import { quantizeNatively } from "../../../src/language/ffi/quantize.ts";
import { quantizeRows, type QuantizeRowsOptions } from "../../../src/language/ffi/quantize-rows.ts";
import { readGgufLayout, type GgufLayout } from "../../formats/gguf/ggml.ts";
import {
  memoryCheckpoint,
  smallTokenizer,
  type MemoryCheckpointOptions,
} from "../../convert/language/memoryCheckpoint.ts";
import { random } from "../../random.ts";
import { relativeError } from "../../vision/error.ts";

/** `LLAMA_FTYPE_MOSTLY_IQ4_NL` */
const FILE_TYPE = 25;
const WHOLE = { hiddenSize: 256, intermediateSize: 512, heads: 4, layers: 9 };
const UNEVEN = { hiddenSize: 80, intermediateSize: 96, layers: 9 };

let folder: string;
let library: LlamaLibrary;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-rows-"));
  library = await loadLlama("cpu");
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

/** About normal, as weights are. */
function weights(name: string, count: number): Float32Array {
  const next = random(name.length + count);
  return Float32Array.from({ length: count }, () => (next() + next() + next() + next() - 2) / 16);
}

interface Written {
  readonly from: string;
  readonly to: string;
  readonly options: QuantizeRowsOptions;
}

/** A float16 file, and what is to be made of it. */
async function written(
  text: Partial<NonNullable<MemoryCheckpointOptions["text"]>>,
  values: NonNullable<MemoryCheckpointOptions["values"]> = weights,
): Promise<Written> {
  const [from, to] = [join(folder, "f16.gguf"), join(folder, "iq4_nl.gguf")];
  await rm(to, { force: true });
  const checkpoint = memoryCheckpoint({ tokenizer: smallTokenizer(), text, values });
  const model = { name: "m", license: "apache-2.0", source: { repo: "test", revision: "abc" } };
  await writeLanguage({ checkpoint, path: from, model });
  const types = typesByName(checkpoint, "iq4_nl");
  return { from, to, options: { library, from, to, quant: "iq4_nl", types, threads: 2 } };
}

interface Read extends GgufLayout {
  readonly bytesOf: (name: string) => Uint8Array;
}

async function read(path: string): Promise<Read> {
  const [layout, bytes] = await Promise.all([readGgufLayout(path), readFile(path)]);
  return {
    ...layout,
    bytesOf: (name) => {
      const { offset, byteLength } = layout.tensors.find((tensor) => tensor.name === name) ?? {
        offset: 0,
        byteLength: 0,
      };
      const values = bytes.subarray(offset, offset + byteLength);
      expect(values.byteLength, name).toBe(byteLength);
      return values;
    },
  };
}

function described({ tensors }: GgufLayout): unknown {
  return new Map(tensors.map(({ name, type, shape, byteLength }) => [name, { type, shape, byteLength }]));
}

/** ggml's own reading of blocks. */
function dequantised(blocks: Uint8Array, type: "iq4_nl" | "q4_0" = "iq4_nl"): Float32Array {
  const base = koffi.load(library.files.ggmlBase);
  const count = (blocks.byteLength / 18) * 32;
  const values = new Float32Array(count);
  base.func(`void dequantize_row_${type}(void *from, void *to, int64_t count)`)(blocks, values, count);
  return values;
}

describe("a float16 file that is quantised row by row", () => {
  it.each([
    ["fill blocks", WHOLE],
    ["do not", UNEVEN],
  ] as const)(
    "is what llama.cpp makes of it but for the blocks of IQ4_NL, where rows %s",
    async (_, text) => {
      const { from, to, options } = await written(text);
      await quantizeRows(options);
      const theirs = join(folder, "theirs.gguf");
      expect(await quantizeNatively({ library, from, to: theirs, quant: "iq4_nl", threads: 1 })).toBe(true);

      const [file, other, exact] = await Promise.all([read(to), read(theirs), read(from)]);
      expect(file.metadata.get("general.file_type")).toEqual({ type: "uint32", value: FILE_TYPE });
      expect(new Map(file.metadata)).toEqual(new Map(other.metadata));
      expect(file.tensors.map(({ name }) => name)).toEqual(exact.tensors.map(({ name }) => name));
      expect(described(file)).toEqual(described(other));

      const types = new Set(file.tensors.map(({ type }) => type));
      const [wide, narrow] = [
        ["IQ4_NL", "Q5_K", "Q6_K"],
        ["IQ4_NL", "Q5_1"],
      ];
      expect(types).toEqual(new Set(["F16", "F32", ...(text === WHOLE ? wide : narrow)]));
      for (const { name, type } of file.tensors) {
        const blocks = file.bytesOf(name);
        if (type !== "IQ4_NL") {
          expect(Buffer.compare(blocks, other.bytesOf(name)), `${name} ${type}`).toBe(0);
          continue;
        }
        const values = toFloat32(exact.bytesOf(name), "F16");
        const error = relativeError(dequantised(blocks), values);
        const best = relativeError(dequantised(other.bytesOf(name)), values);
        // 0.0758 and 0.0729 over all weights of a large model
        expect(error, name).toBeLessThan(0.08);
        expect(error / best, name).toBeGreaterThan(1);
        expect(error / best, name).toBeLessThan(1.08);
      }
    },
  );

  it("is more exact than q4_0", async () => {
    const { from, to, options } = await written({ ...WHOLE, layers: 1 });
    await quantizeRows(options);
    const even = join(folder, "q4_0.gguf");
    expect(await quantizeNatively({ library, from, to: even, quant: "q4_0", threads: 1 })).toBe(true);
    const [file, other, exact] = await Promise.all([read(to), read(even), read(from)]);
    for (const name of ["blk.0.attn_q.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight"]) {
      const values = toFloat32(exact.bytesOf(name), "F16");
      const error = relativeError(dequantised(file.bytesOf(name)), values);
      expect(error / relativeError(dequantised(other.bytesOf(name), "q4_0"), values)).toBeLessThan(0.95);
    }
  });

  it("has the same bytes whatever the slabs, and however often it is made", async () => {
    // every third row is zero, for which ggml writes what its memory held
    const { options, to } = await written(WHOLE, (name, count) =>
      weights(name, count).map((value, index) => (Math.floor(index / 256) % 3 === 0 ? 0 : value)),
    );
    const files: Buffer[] = [];
    // 200: slabs of about 200 rows of 256 values, and no whole number of them in a matrix
    for (const threads of [1, 2, 200]) {
      await quantizeRows({ ...options, threads });
      files.push(await readFile(to));
    }
    // as a conversion has it done, in a process apart
    const { from, quant, types } = options;
    await quantize({ from, to, quant, types });
    files.push(await readFile(to));
    const [first = Buffer.alloc(0), ...others] = files;
    expect(others.map((bytes) => Buffer.compare(first, bytes))).toEqual([0, 0, 0]);
    const { bytesOf } = await read(to);
    const blocks = bytesOf("blk.3.ffn_up.weight");
    const rowBytes = (256 / 32) * 18;
    expect(blocks.subarray(0, rowBytes).every((byte) => byte === 0)).toBe(true);
    expect(blocks.subarray(rowBytes, 2 * rowBytes).every((byte) => byte === 0)).toBe(false);
  });

  it.each(["blk.3.ffn_up.weight", "blk.0.ffn_down.weight", "token_embd.weight", "output_norm.bias"])(
    "is refused where %s is not finite, and nothing that could be read is left",
    async (name) => {
      const { from, to, options } = await written(WHOLE);
      const { tensors } = await readGgufLayout(from);
      const { offset = 0, byteLength = 0, type } = tensors.find((tensor) => tensor.name === name) ?? {};
      const handle = await open(from, "r+");
      const infinite = type === "F16" ? [0, 0x7c] : [0, 0, 0x80, 0x7f];
      await handle.write(
        Uint8Array.from(infinite),
        0,
        infinite.length,
        offset + byteLength - infinite.length,
      );
      await handle.close();
      await expect(quantizeRows(options)).rejects.toMatchObject({
        code: "checkpoint-invalid",
        message: `${name} holds values that are not finite`,
      });
      await expect(readGgufLayout(to)).rejects.toThrow("ggml cannot read");
    },
  );

  it("is refused with types that do not fit, before anything is written", async () => {
    const { to, options } = await written(UNEVEN);
    const name = "blk.0.attn_q.weight";
    const { [name]: _, ...without } = options.types;
    const cases: readonly (readonly [QuantizeRowsOptions["types"], RegExp])[] = [
      [{ ...options.types, [name]: "IQ4_NL" }, /attn_q\.weight cannot be stored as IQ4_NL/],
      [without, /attn_q\.weight cannot be stored as nothing/],
    ];
    for (const [types, message] of cases) {
      await expect(quantizeRows({ ...options, types })).rejects.toMatchObject({
        code: "internal",
        message: expect.stringMatching(message),
      });
    }
    expect(existsSync(to)).toBe(false);
    const norms: QuantizeRowsOptions["types"] = { ...options.types, "output_norm.bias": "F16" };
    await expect(quantizeRows({ ...options, types: norms })).rejects.toMatchObject({
      code: "internal",
      message: "output_norm.bias cannot be quantised: F32 as F16",
    });
  });

  it("is refused by a disk that takes nothing, or a folder that is not there", async () => {
    const { options } = await written(WHOLE);
    const nowhere = join(folder, "nowhere", "file.gguf");
    await expect(quantizeRows({ ...options, to: nowhere })).rejects.toMatchObject({ code: "disk" });
    if (!existsSync("/dev/full")) return;
    await expect(quantizeRows({ ...options, to: "/dev/full" })).rejects.toMatchObject({
      code: "disk",
      message: "the disk is full: /dev/full could not be written",
    });
  });

  it("is refused where its own file is cut short", async () => {
    const { from, options } = await written(WHOLE);
    const handle = await open(from, "r+");
    await handle.truncate((await handle.stat()).size - 64);
    await handle.close();
    await expect(quantizeRows(options)).rejects.toMatchObject({ code: "model-invalid" });
  });
});
