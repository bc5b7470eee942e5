import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Llama, type LlamaModel, type Token } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tokenizer } from "../../../src/checkpoint/types.ts";
import { writeLanguage } from "../../../src/convert/language/write.ts";
import { PARITY_FIXTURES } from "../../synthetic/parity.ts";
import { memoryCheckpoint, publishedTokenizer } from "./memoryCheckpoint.ts";
import { ReferenceBpe } from "./referenceBpe.ts";
import { testStrings } from "./strings.ts";

let folder: string;
let llama: Llama;
let model: LlamaModel;
let tokenizer: Tokenizer;
let reference: ReferenceBpe;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-tokenizer-"));
  tokenizer = await publishedTokenizer();
  reference = new ReferenceBpe(tokenizer);
  const path = join(folder, "language.gguf");
  await writeLanguage({
    checkpoint: memoryCheckpoint({ tokenizer }),
    path,
    model: { name: "tokens", license: "apache-2.0", source: { repo: "test", revision: null } },
  });
  llama = await getLlama({ build: "never", gpu: false, logLevel: LlamaLogLevel.error });
  model = await llama.loadModel({ modelPath: path, checkTensors: true });
});

afterAll(async () => {
  await llama?.dispose();
  await rm(folder, { recursive: true, force: true });
});

function ids(text: string): number[] {
  return [...model.tokenize(text, false)];
}

interface Golden {
  cases: { prompt: string; input_ids: number[] }[];
}

describe("the tokenizer inside the language file, run by llama.cpp", () => {
  it.each(["base", "hd"])("gives the ids of the goldens' prompts (%s)", async (name) => {
    const golden = JSON.parse(await readFile(join(PARITY_FIXTURES, `${name}.json`), "utf8")) as Golden;
    expect(golden.cases.length).toBeGreaterThan(0);
    for (const { prompt, input_ids: expected } of golden.cases) {
      const [before = "", after = ""] = prompt.split("<image>");
      const [question = "", end = ""] = after.split("<learnable>");
      const picture = expected.indexOf(-200);
      const queries = expected.indexOf(tokenizer.learnable);
      expect(picture).toBe(32);
      expect(ids(before)).toEqual(expected.slice(0, picture));
      expect(ids(question)).toEqual(expected.slice(picture + 1, queries));
      expect(ids(end)).toEqual(expected.slice(expected.lastIndexOf(tokenizer.learnable) + 1));
    }
  });

  it("agrees with the reference on 2,500 generated strings", () => {
    const different: { text: string; ours: number[]; expected: number[] }[] = [];
    let tokens = 0;
    for (const text of testStrings(2500, 4317)) {
      const expected = reference.encode(text);
      const ours = ids(text);
      tokens += expected.length;
      if (ours.join() !== expected.join()) different.push({ text: JSON.stringify(text), ours, expected });
    }
    expect(different).toEqual([]);
    expect(tokens).toBeGreaterThan(20_000);
  });

  it.each(Array.from({ length: 70 }, (_, index) => index + 1))(
    "splits runs of %i white space as added tokens do",
    (length) => {
      for (const space of [" ", "\t"]) {
        const text = `a${space.repeat(length)}b`;
        expect(ids(text)).toEqual(reference.encode(text));
      }
    },
  );

  it("finds every added run of white space", () => {
    const runs = tokenizer.added.filter(({ special }) => !special);
    expect(runs).toHaveLength(38);
    for (const { id, text } of runs) expect(ids(text)).toEqual([id]);
  });

  it("never makes a special token or padding out of a user's text", () => {
    const forbidden = new Set([tokenizer.eos, tokenizer.endOfText, tokenizer.learnable]);
    const texts = ["</s>", "<learnable>", "<|endoftext|>", "x</s>y", " </s>", "[PAD50297]", "[PAD51199]"];
    for (const text of texts) {
      const found = ids(text);
      expect(found.length).toBeGreaterThan(1);
      expect(found.filter((id) => forbidden.has(id) || id > 50_296)).toEqual([]);
      expect(found).toEqual(reference.encode(text));
    }
  });

  it("knows the special tokens where they are asked for", () => {
    expect([...model.tokenize("</s><learnable><|endoftext|>", true)]).toEqual([50_296, 50_295, 50_256]);
  });

  it("ends an answer at either end token and at nothing else", () => {
    const ends = Array.from({ length: 51_200 }, (_, id) => id).filter((id) => model.isEogToken(id as Token));
    expect(ends).toEqual([tokenizer.endOfText, tokenizer.eos]);
    expect(model.tokens.eos).toBe(tokenizer.eos);
    expect(model.tokens.bos).toBe(tokenizer.endOfText);
    expect(model.tokens.shouldPrependBosToken).toBe(false);
  });

  it("turns added white space back into itself", () => {
    for (const text of ["a  b", "def f():\n        return\t\t\t1", "x               y"]) {
      expect(model.detokenize(model.tokenize(text, false))).toBe(text);
    }
  });
});
