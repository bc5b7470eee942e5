import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { byteAlphabet } from "../../src/checkpoint/byte-alphabet.ts";
import { readTokenizer, type ReadTokenizer } from "../../src/checkpoint/tokenizer.ts";
import { DiskFolder } from "../../src/core/files/folder-files.ts";
import type { Tokenizer } from "../../src/checkpoint/types.ts";
import { PARITY_FIXTURES } from "../synthetic/parity.ts";
import { DEMO } from "./demo-copy.ts";

const PUBLISHED = join(PARITY_FIXTURES, "tokenizer");
const VOCAB_SIZE = 576;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-tokenizer-"));
  for (const file of ["vocab.json", "merges.txt", "added_tokens.json"]) {
    await cp(join(DEMO, file), join(directory, file));
  }
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(join(directory, file), "utf8")) as T;
}

async function edit(file: string, change: (json: Record<string, unknown>) => void): Promise<void> {
  const json = await readJson<Record<string, unknown>>(file);
  change(json);
  await writeFile(join(directory, file), JSON.stringify(json));
}

/** Replaces the three files by one `tokenizer.json` that says the same, as the hub's tools write it. */
async function writeWhole(mergeStyle: "pairs" | "strings"): Promise<void> {
  const vocab = await readJson<Record<string, number>>("vocab.json");
  const added = await readJson<Record<string, number>>("added_tokens.json");
  const lines = (await readFile(join(directory, "merges.txt"), "utf8")).trim().split("\n").slice(1);
  const end = { "<|endoftext|>": vocab["<|endoftext|>"] };
  const whole = {
    version: "1.0",
    truncation: null,
    added_tokens: Object.entries({ ...end, ...added }).map(([content, id]) => ({
      id,
      content,
      single_word: false,
      special: content === "<|endoftext|>",
    })),
    model: {
      type: "BPE",
      dropout: null,
      vocab,
      merges: mergeStyle === "pairs" ? lines.map((line) => line.split(" ")) : lines,
    },
  };
  await writeFile(join(directory, "tokenizer.json"), JSON.stringify(whole));
  for (const file of ["vocab.json", "merges.txt", "added_tokens.json"]) await rm(join(directory, file));
}

const readAll = (folder: string = directory, vocabSize: number = VOCAB_SIZE): Promise<ReadTokenizer> =>
  readTokenizer({ files: new DiskFolder(folder), vocabSize });

const read = async (...folder: [string?, number?]): Promise<Tokenizer> =>
  (await readAll(...folder)).tokenizer;

const refusal = (): Promise<unknown> =>
  read().then(
    () => "it was read",
    (error: unknown) => error,
  );

const invalid = (message: string): unknown =>
  expect.objectContaining({ code: "checkpoint-invalid", message: expect.stringContaining(message) });

describe("a checkpoint's tokenizer", () => {
  it("is the demo's", async () => {
    const tokenizer = await read();
    expect(tokenizer.tokens).toHaveLength(552);
    expect(tokenizer.tokens[548]).toBe("Ġcircles");
    expect(tokenizer.merges).toHaveLength(295);
    expect(tokenizer.merges[0]).toBe("Ġ a");
    expect(tokenizer.added).toEqual([
      { id: 551, text: "<|endoftext|>", special: true },
      { id: 552, text: "<learnable>", special: true },
      { id: 553, text: "</s>", special: true },
    ]);
    const { eos, endOfText, learnable, queryBase } = tokenizer;
    expect({ eos, endOfText, learnable, queryBase }).toEqual({
      eos: 553,
      endOfText: 551,
      learnable: 552,
      queryBase: 550,
    });
  });

  it("is GPT-2's with Phi-2's additions, a token named prototype included", async () => {
    const tokenizer = await read(PUBLISHED, 51_200);
    expect(tokenizer.tokens).toHaveLength(50_257);
    expect(tokenizer.tokens).toContain("prototype");
    expect(tokenizer.merges).toHaveLength(50_000);
    expect(tokenizer.added.map(({ id }) => id)).toEqual(Array.from({ length: 41 }, (_, i) => 50_256 + i));
    expect(tokenizer.added.filter(({ special }) => special).map(({ text }) => text)).toEqual([
      "<|endoftext|>",
      "<learnable>",
      "</s>",
    ]);
    const { eos, endOfText, learnable, queryBase } = tokenizer;
    expect([eos, endOfText, learnable, queryBase]).toEqual([50_296, 50_256, 50_295, 764]);
  });

  it.each(["pairs", "strings"] as const)("is the same out of tokenizer.json, merges as %s", async (style) => {
    const fromFiles = await read();
    await writeWhole(style);
    expect(await read()).toEqual(fromFiles);
  });

  it.each(["pairs", "strings"] as const)(
    "may be in both layouts, or have its vocabulary in one and its merges in the other (%s)",
    async (style) => {
      const fromFiles = await read();
      const slow = await Promise.all(
        ["vocab.json", "merges.txt", "added_tokens.json"].map(
          async (file) => [file, await readFile(join(directory, file))] as const,
        ),
      );
      await writeWhole(style);
      for (const [file, bytes] of slow) await writeFile(join(directory, file), bytes);
      expect(await readAll()).toEqual({
        tokenizer: fromFiles,
        files: ["vocab.json", "merges.txt", "tokenizer.json", "added_tokens.json"],
        remarks: [],
      });
      await rm(join(directory, "merges.txt"));
      expect(await read()).toEqual(fromFiles);
    },
  );

  it("has added tokens wherever they are listed, with the ids of tokenizer_config.json where files disagree", async () => {
    const before = await read();
    const decoder = {
      "551": { content: "<|endoftext|>", special: true },
      "552": { content: "<learnable>", special: true, lstrip: false },
      "553": { content: "</s>", special: true },
    };
    const config = { added_tokens_decoder: decoder, model_max_length: 1e30, eos_token: 3, extra: [] };
    await writeFile(join(directory, "tokenizer_config.json"), JSON.stringify(config));
    expect(await readAll()).toMatchObject({ tokenizer: before, remarks: [] });
    // each of the two alone, and each with one token
    await rm(join(directory, "added_tokens.json"));
    expect(await read()).toEqual(before);
    await writeFile(join(directory, "added_tokens.json"), JSON.stringify({ "</s>": 553 }));
    const { "552": learnable } = decoder;
    const part = { ...config, added_tokens_decoder: { "552": learnable } };
    await writeFile(join(directory, "tokenizer_config.json"), JSON.stringify(part));
    expect(await readAll()).toMatchObject({ tokenizer: before, remarks: [] });
    await writeFile(
      join(directory, "added_tokens.json"),
      JSON.stringify({ "</s>": 553, "<learnable>": 560 }),
    );
    expect(await readAll()).toMatchObject({
      tokenizer: before,
      remarks: [
        '"<learnable>" is token 560 in added_tokens.json and 552 in tokenizer_config.json, which counts',
      ],
    });
  });

  it.each(["special_tokens_map.json", "tokenizer_config.json"])(
    "has special tokens named by %s",
    async (file) => {
      const added = { "<learnable>": 552, "</s>": 553, "  ": 554, "<box>": 555, "<pad>": 556 };
      await writeFile(join(directory, "added_tokens.json"), JSON.stringify(added));
      const named = { additional_special_tokens: ["<box>", "<nowhere>"], pad_token: { content: "<pad>" } };
      await writeFile(join(directory, file), JSON.stringify(named));
      const { added: tokens } = await read();
      expect(tokens.slice(3)).toEqual([
        { id: 554, text: "  ", special: false },
        { id: 555, text: "<box>", special: true },
        { id: 556, text: "<pad>", special: true },
      ]);
    },
  );

  it("gets a <learnable> where no file has one, after all others", async () => {
    await writeFile(join(directory, "added_tokens.json"), JSON.stringify({ "</s>": 553 }));
    const { tokenizer, remarks } = await readAll();
    expect(tokenizer.learnable).toBe(554);
    expect(tokenizer.added.at(-1)).toEqual({ id: 554, text: "<learnable>", special: true });
    expect(remarks).toEqual([expect.stringContaining("no file of the tokenizer has <learnable>")]);
    await expect(read(directory, 554)).rejects.toThrow('"<learnable>" has id 554, vocab_size is 554');
  });

  it("may have Windows line ends and no version line", async () => {
    const before = await read();
    const lines = (await readFile(join(directory, "merges.txt"), "utf8")).split("\n").slice(1);
    await writeFile(join(directory, "merges.txt"), lines.join("\r\n"));
    expect((await read()).merges).toEqual(before.merges);
  });

  it("writes bytes as GPT-2 does", () => {
    const alphabet = byteAlphabet();
    expect(new Set(alphabet).size).toBe(256);
    expect([0x00, 0x0a, 0x20, 0x41, 0x7f, 0xa0, 0xad, 0xff].map((byte) => alphabet[byte])).toEqual([
      "Ā",
      "Ċ",
      "Ġ",
      "A",
      "ġ",
      "ł",
      "Ń",
      "ÿ",
    ]);
  });
});

describe("a checkpoint's tokenizer is refused", () => {
  it.each<[string, (vocab: Record<string, unknown>) => void, string]>([
    ["a gap in the ids", (vocab) => (vocab["Ġcircles"] = 552), 'token "Ġcircles" has id 552, beyond the 552'],
    [
      "an id given twice",
      (vocab) => (vocab["Ġcircles"] = 547),
      'tokens "Ġcirc" and "Ġcircles" have the same id 547',
    ],
    ["a fractional id", (vocab) => (vocab["Ġcircles"] = 1.5), "Expected an object of texts and their ids"],
    ["a negative id", (vocab) => (vocab["Ġcircles"] = -1), "Expected an object of texts and their ids"],
    ["an id that is a text", (vocab) => (vocab["Ġcircles"] = "547"), "Expected an object of texts"],
    [
      "a byte without a token",
      (vocab) => {
        delete vocab["A"];
        vocab["AAA"] = 32;
      },
      'the vocabulary has no token for byte 65 ("A")',
    ],
    [
      "a merge to nowhere",
      (vocab) => {
        vocab["Ġcircle!"] = vocab["Ġcircles"];
        delete vocab["Ġcircles"];
      },
      'needs "Ġcircles", which is not in the vocabulary',
    ],
    [
      "no <|endoftext|>",
      (vocab) => {
        vocab["<|end|>"] = vocab["<|endoftext|>"];
        delete vocab["<|endoftext|>"];
      },
      'the tokenizer has no token "<|endoftext|>"',
    ],
  ])("for %s", async (_, change, expected) => {
    const vocab = await readJson<Record<string, unknown>>("vocab.json");
    const byte = vocab["A"];
    await edit("vocab.json", (json) => {
      change(json);
      if (json["AAA"] !== undefined) json["AAA"] = byte;
    });
    expect(await refusal()).toEqual(invalid(expected));
  });

  it.each<[string, string, string]>([
    ["a merge of one part", "Ġa", 'merge "Ġa" is not of two parts'],
    ["a merge of three parts", "a b c", 'merge "a b c" is not of two parts'],
    ["a merge of nothing", "a ", 'merge "a " is not of two parts'],
    ["a merge of unknown parts", "qqq z", 'merge "qqq z" needs "qqq"'],
    ["a merge given twice", "Ġ a", 'merge "Ġ a" is listed twice'],
  ])("for %s", async (_, line, expected) => {
    const text = await readFile(join(directory, "merges.txt"), "utf8");
    await writeFile(join(directory, "merges.txt"), `${text}${line}\n`);
    expect(await refusal()).toEqual(invalid(expected));
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["no </s>", { "<learnable>": 552 }, 'the tokenizer has no token "</s>"'],
    ["an added id beyond the embeddings", { "<learnable>": 552, "</s>": 576 }, "vocab_size is 576"],
    ["two added tokens with one id", { "<learnable>": 552, "</s>": 552 }, "share id 552"],
    [
      "an added token in the place of another",
      { "<learnable>": 552, "</s>": 550 },
      "contradicts the vocabulary",
    ],
    [
      "an added token with a second id",
      { "<learnable>": 552, "</s>": 553, a: 554 },
      "contradicts the vocabulary",
    ],
    ["an empty added token", { "<learnable>": 552, "</s>": 553, "": 554 }, "the added token 554 is empty"],
  ])("for %s", async (_, added, expected) => {
    await writeFile(join(directory, "added_tokens.json"), JSON.stringify(added));
    expect(await refusal()).toEqual(invalid(expected));
  });

  it("for more tokens than embeddings", async () => {
    await expect(read(directory, 551)).rejects.toThrow("552 tokens, vocab_size is 551");
  });

  it.each<[string, string, unknown, string]>([
    ["ids that are none", "tokenizer_config.json", { added_tokens_decoder: { x: { content: "a" } } }, "x"],
    ["a token without text", "tokenizer_config.json", { added_tokens_decoder: { 560: {} } }, "content"],
    ["a text for an object", "special_tokens_map.json", "</s>", "the file"],
    [
      "an id beyond the embeddings",
      "tokenizer_config.json",
      { added_tokens_decoder: { 576: { content: "a!" } } },
      "id 576",
    ],
    [
      "a token of the vocabulary with another id",
      "tokenizer_config.json",
      { added_tokens_decoder: { 560: { content: "Ġcircles" } } },
      "contradicts the vocabulary",
    ],
  ])("for %s in %s", async (_, file, json, expected) => {
    await writeFile(join(directory, file), JSON.stringify(json));
    expect(await refusal()).toEqual(invalid(expected));
  });

  it("for a tokenizer.json of another kind", async () => {
    await writeWhole("pairs");
    await edit("tokenizer.json", (json) => Object.assign(json["model"] as object, { type: "Unigram" }));
    expect(await refusal()).toEqual(invalid("tokenizer.json: model.type: "));
  });

  it("for a missing half, or no file at all", async () => {
    await rm(join(directory, "merges.txt"));
    expect(await refusal()).toEqual(invalid("merges.txt is missing"));
    await rm(join(directory, "vocab.json"));
    expect(await refusal()).toEqual(
      invalid("holds no tokenizer: neither vocab.json with merges.txt nor tokenizer.json"),
    );
  });
});
