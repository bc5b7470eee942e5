import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { FlashSlothError } from "../../src/core/errors.ts";
import { MemorySource } from "../../src/core/files/bytes.ts";
import { SafetensorsFile } from "../../src/formats/safetensors/file.ts";
import { publishedTokenizer } from "../hub/published-forms.ts";
import { DEMO, DemoCopy } from "./demo-copy.ts";

/** mulberry32: the same damage in every run. */
function randomIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}

/** One to three of: a flipped bit, a byte of one's own, a cut, a piece repeated, a piece removed; all before `end`. */
function damage(bytes: Uint8Array, end: number, below: (limit: number) => number): Uint8Array {
  let out = Uint8Array.from(bytes);
  for (let times = 1 + below(3); times > 0; times--) {
    const at = below(Math.min(end, out.byteLength));
    const piece = below(12);
    switch (below(8)) {
      case 0:
        out = out.slice(0, at);
        break;
      case 1:
        out = Uint8Array.from([...out.subarray(0, at + piece), ...out.subarray(at)]);
        break;
      case 2:
        out = Uint8Array.from([...out.subarray(0, at), ...out.subarray(at + piece)]);
        break;
      case 3:
      case 4:
        out[at] = '0123456789{}[]":,.-eEtrufalsn \\\u0000'.charCodeAt(below(32));
        break;
      default:
        out[at] = (out[at] ?? 0) ^ (1 << below(8));
    }
    if (out.byteLength === 0) break;
  }
  return out;
}

/** What the opened checkpoint says of itself, or undefined when it was refused in our own way. */
async function outcome(directory: string): Promise<string | undefined> {
  try {
    const checkpoint = await openCheckpoint({ directory });
    await checkpoint.close();
    return JSON.stringify([checkpoint.config, checkpoint.tokenizer, [...checkpoint.tensors.values()]]);
  } catch (error) {
    expect(error).toBeInstanceOf(FlashSlothError);
    expect(error).toMatchObject({ code: "checkpoint-invalid" });
    return undefined;
  }
}

describe("a damaged checkpoint", () => {
  it("opens as if it were whole or is refused, wherever the tensor file's header is hit", async () => {
    await using copy = await DemoCopy.create();
    const whole = await outcome(copy.directory);
    expect(whole).toBeDefined();
    const file = copy.path("model.safetensors");
    const bytes = await readFile(file);
    const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
    const below = randomIntegers(1);
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      const head = damage(bytes.subarray(0, headerEnd), headerEnd, below);
      const same = head.byteLength === headerEnd;
      await writeFile(file, same ? Buffer.concat([head, bytes.subarray(headerEnd)]) : head);
      const got = await outcome(copy.directory);
      if (got === undefined) refused++;
      else expect(got).toBe(whole);
    }
    expect(refused).toBeGreaterThan(100);
  });

  it("is read to its end or refused by the tensor file's parser alone", async () => {
    const bytes = await readFile(`${DEMO}model.safetensors`);
    const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
    // a small file: the first entries of the header over their own data
    const json = JSON.stringify({
      __metadata__: { format: "pt" },
      "lm_head.bias": { dtype: "F16", shape: [576], data_offsets: [0, 1152] },
      "model.final_layernorm.bias": { dtype: "F16", shape: [4, 32], data_offsets: [1152, 1408] },
    });
    const small = Buffer.alloc(8 + json.length + 1408);
    small.writeBigUInt64LE(BigInt(json.length), 0);
    small.write(json, 8, "latin1");
    small.set(bytes.subarray(headerEnd, headerEnd + 1408), 8 + json.length);

    const below = randomIntegers(2);
    let refused = 0;
    for (let round = 0; round < 5000; round++) {
      try {
        const file = await SafetensorsFile.open(new MemorySource(damage(small, 8 + json.length, below)));
        for (const [name, { byteLength }] of file.tensors) {
          expect(await file.read(name)).toHaveLength(byteLength);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(FlashSlothError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(3000);
  });

  it.each([
    ["config.json", 3],
    ["vocab.json", 4],
    ["merges.txt", 5],
    ["added_tokens.json", 6],
    ["tokenizer_config.json", 7],
    ["special_tokens_map.json", 8],
  ] as const)("is opened or refused, nothing else, when %s is hit", async (name, seed) => {
    await using copy = await DemoCopy.create();
    for (const [file, text] of Object.entries(await publishedTokenizer(DEMO)))
      await writeFile(copy.path(file), text);
    const bytes = await readFile(copy.path(name));
    const below = randomIntegers(seed);
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      await writeFile(copy.path(name), damage(bytes, bytes.byteLength, below));
      if ((await outcome(copy.directory)) === undefined) refused++;
    }
    expect(refused).toBeGreaterThan(20);
  });
});
