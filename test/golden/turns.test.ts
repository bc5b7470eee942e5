import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { Manifest } from "../../src/core/model/manifest.ts";
import type { EncodedPicture } from "../../src/engine/api.ts";
import type { EmbqTrace } from "../../src/engine/embq-tap.ts";
import { Engine } from "../../src/engine/engine.ts";
import { tokenizePrompt } from "../../src/engine/prompt.ts";
import { LanguageModel } from "../../src/language/language-model.ts";
import { EmbqSession } from "../../src/vision/embq.ts";
import { PARITY_FIXTURES, writeParityCheckpoint } from "../synthetic/parity.ts";
import { relativeError } from "./golden.ts";

const LEARNABLE_ID = 50295;
const END_ID = 50296;
const QUERIES = 9;

/** What was asked and answered, and what is asked now. */
const TURNS = [
  { question: "What is in the picture?", answer: "A cat on a mat." },
  { question: "Where is it?", answer: "Left of the door; see 2." },
  { question: "Why is the small one red, then?", answer: "" },
];

const SYSTEM = [
  32, 8537, 1022, 257, 11040, 2836, 290, 281, 11666, 4430, 8796, 13, 383, 8796, 3607, 7613, 11, 6496, 11, 290,
  23507, 7429, 284, 262, 2836, 338, 2683, 13, 1294, 1137, 25, 220,
];
const FIRST = [198, 2061, 318, 287, 262, 4286, 30, LEARNABLE_ID, 24994, 8808, 8643, 25];
const SAID = [317, 3797, 319, 257, 2603, 13, END_ID];
const SECOND = [29904, 25, 6350, 318, 340, 30, LEARNABLE_ID, 24994, 8808, 8643, 25];
const SAID_THEN = [9578, 286, 262, 3420, 26, 766, 362, 13, END_ID];
const THIRD = [29904, 25, 4162, 318, 262, 1402, 530, 2266, 11, 788, 30, LEARNABLE_ID, 24994, 8808, 8643, 25];

/**
 * What follows the picture, as upstream trains it (`train/finetune.py`, `preprocess_phi2`): the template of `get_prompt`,
 * cut at its special tokens, `<learnable>` put before each ` ASSISTANT`; the pieces in ids by GPT-2's published byte pair encoding,
 * computed by a script apart from this project.
 */
const GOLDEN = {
  2: [...FIRST, ...SAID, ...SECOND],
  3: [...FIRST, ...SAID, ...SECOND, ...SAID_THEN, ...THIRD],
};

/** Where each turn's question and queries stand among the golden ids: plain searches, `extract_question_token_indices` in words. */
function places(ids: readonly number[]): { readonly from: number; readonly queries: number }[] {
  const found: { from: number; queries: number }[] = [];
  let from = 1; // after the newline
  for (const [at, id] of ids.entries()) {
    if (id === LEARNABLE_ID) found.push({ from, queries: at });
    if (id === END_ID) from = at + 3; // after USER and its colon
  }
  return found;
}

describe.each([
  { variant: "base", visual: 81, features: 729 },
  { variant: "hd", visual: 405, features: 3645 },
] as const)("several turns of the $variant model", ({ variant, visual, features }) => {
  let folder: string;
  let manifest: Manifest;
  let engine: Engine;
  let picture: EncodedPicture;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `flashsloth-turns-${variant}-`));
    const checkpoint = join(folder, "checkpoint");
    await writeParityCheckpoint({ golden: variant, directory: checkpoint });
    manifest = await convertCheckpoint({ checkpoint, out: join(folder, "model"), name: `turns-${variant}` });
    engine = await Engine.load({ directory: join(folder, "model"), device: "cpu", parallel: 1 });
    picture = await engine.encodePicture(join(PARITY_FIXTURES, "photo.png"));
  });

  afterAll(async () => {
    await engine?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([2, 3] as const)("have the published ids for %i turns", async (count) => {
    const asked = TURNS.slice(0, count);
    const { system, turns } = tokenizePrompt(
      await engine.tokenizer(),
      asked.at(-1)?.question ?? "",
      asked.slice(0, -1),
    );
    expect(system).toEqual(SYSTEM);
    const ids = turns.flatMap(({ question, assistant }) => [...question, LEARNABLE_ID, ...assistant]);
    expect(ids).toEqual(GOLDEN[count]);
  });

  /** What stands before EmbQ's layer at every position of a prompt, from llama.cpp alone: float32 [positions, hidden] */
  async function hiddenStates(ids: readonly number[]): Promise<Float32Array> {
    const { hiddenSize } = manifest.geometry;
    const begun = await LanguageModel.begin({
      directory: join(folder, "model"),
      manifest,
      threads: 2,
    });
    const language = await begun.loaded;
    const parts = ids.map((id) => (id === LEARNABLE_ID ? language.queries : language.embed([id])));
    const all = [language.embed(SYSTEM), engine.features(picture).visualTokens, ...parts];
    const rows = Float32Array.from(all.flatMap((part) => [...part]));
    const count = rows.length / hiddenSize;
    const context = language.createContext({ cells: 1024, batchRows: 1024 });
    let states = new Float32Array();
    context.decode({
      runs: [{ sequence: 0, rows, logits: "none" }],
      tap: (graph) => void (states = Float32Array.from(graph.read(0, count))),
    });
    context.dispose();
    await language.dispose();
    return states;
  }

  it("let EmbQ read each turn's own question and the whole picture, turn by turn as at once", async () => {
    const { hiddenSize } = manifest.geometry;
    const ids = GOLDEN[3];
    const states = await hiddenStates(ids);
    const embq = await EmbqSession.load({
      directory: join(folder, "model"),
      file: manifest.roles.embq,
      geometry: manifest.geometry,
    });
    const seen = engine.features(picture).features;
    expect(seen.length / manifest.geometry.featureWidth).toBe(features);
    /** float32 [to - from, hidden] of positions after the picture; the queries take nine where the golden has one */
    const stood = (from: number, to: number): Float32Array => {
      const [start, end] = [from, to].map((at) => {
        const before = ids.slice(0, at).filter((id) => id === LEARNABLE_ID).length;
        return SYSTEM.length + visual + at + before * (QUERIES - 1);
      });
      return states.subarray((start ?? 0) * hiddenSize, (end ?? 0) * hiddenSize);
    };
    const expected = places(ids).map(({ from, queries }) => {
      const text = stood(from, queries);
      const queriesIn = stood(queries, queries + 1);
      const queriesOut = embq.run({ queries: queriesIn, text, features: seen });
      return { textIn: text, queriesIn, queriesOut };
    });
    await embq.dispose();
    expect(expected.map(({ textIn }) => textIn.length / hiddenSize)).toEqual([6, 4, 9]);

    const atOnce: EmbqTrace[] = [];
    const question = TURNS[2]?.question ?? "";
    const history = TURNS.slice(0, 2);
    const fresh = await engine.encodePicture(join(PARITY_FIXTURES, "photo.png"));
    await engine.ask(
      fresh,
      { question, history, maxTokens: 1 },
      { onEmbq: (trace) => void atOnce.push(trace) },
    );

    const turnByTurn: EmbqTrace[] = [];
    for (const [index, turn] of TURNS.entries()) {
      const asked = { question: turn.question, history: TURNS.slice(0, index), maxTokens: 1, keep: true };
      await engine.ask(picture, asked, { onEmbq: (trace) => void turnByTurn.push(trace) });
    }

    for (const traces of [atOnce, turnByTurn]) {
      expect(traces).toHaveLength(3);
      for (const [index, trace] of traces.entries()) {
        for (const what of ["textIn", "queriesIn", "queriesOut"] as const) {
          const wanted = expected[index]?.[what] ?? new Float32Array();
          // graphs of other lengths round differently
          expect(relativeError(trace[what], wanted), `${what} of turn ${index + 1}`).toBeLessThan(5e-3);
        }
      }
    }
    // another turn's question would have been told apart
    const [one, two] = [expected[0]?.queriesOut, expected[1]?.queriesOut];
    expect(relativeError(one ?? new Float32Array(), two ?? new Float32Array([1]))).toBeGreaterThan(0.02);
  });
});
