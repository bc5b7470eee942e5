import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { Manifest } from "../../src/core/model/manifest.ts";
import type { Answer, EncodedPicture } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { EmbqTrace } from "../../src/engine/embq-tap.ts";
import { tokenizePrompt } from "../../src/engine/prompt.ts";
import { PARITY_FIXTURES, writeParityCheckpoint } from "../synthetic/parity.ts";
import { ReferenceBpe } from "../convert/language/referenceBpe.ts";
import { openGolden, relativeError, takeRows, type Golden, type GoldenCase } from "./golden.ts";

/** The goldens' placeholder for the picture, and `<learnable>`, which stands once for all queries. */
const PICTURE_ID = -200;
const LEARNABLE_ID = 50295;
/** `</s>` */
const END_ID = 50296;
/** Below this distance between the two likeliest tokens, rounding may choose the other. */
const SAFE_MARGIN = 0.05;
/** what every prompt begins with, computed before */
const SYSTEM_POSITIONS = 32;

/**
 * Rows of a graph: all of a prompt; a part; so few that even a question's rows come from several graphs; all that fill tiles,
 * after what is left over.
 */
const GRAPHS = [{ rows: 512 }, { rows: 64 }, { rows: 16 }, { rows: 512, tile: { rows: 32, spare: 31 } }];

describe.each(["base", "hd"] as const)("the %s model against the published implementation", (variant) => {
  let folder: string;
  let golden: Golden;
  let manifest: Manifest;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `flashsloth-golden-${variant}-`));
    const checkpoint = join(folder, "checkpoint");
    await writeParityCheckpoint({ golden: variant, directory: checkpoint });
    manifest = await convertCheckpoint({ checkpoint, out: join(folder, "model"), name: `parity-${variant}` });
    golden = await openGolden(variant);
  });

  afterAll(async () => {
    await golden?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("has the published prompt for several turns", async () => {
    const history = [
      { question: "What is this?", answer: "A cat, I think." },
      { question: "</s> is it <image>\u00fc?", answer: "No." },
    ];
    const question = "Why not?";
    const checkpoint = await openCheckpoint({ directory: join(folder, "checkpoint") });
    const bpe = new ReferenceBpe(checkpoint.tokenizer);
    await checkpoint.close();
    // the published rule, text by text between its special tokens
    const expected = [
      [...bpe.encode(`\n${history[0]?.question}`), LEARNABLE_ID],
      [...bpe.encode(` ASSISTANT: ${history[0]?.answer}`), END_ID],
      [...bpe.encode(`USER: ${history[1]?.question}`), LEARNABLE_ID],
      [...bpe.encode(` ASSISTANT: ${history[1]?.answer}`), END_ID],
      [...bpe.encode(`USER: ${question}`), LEARNABLE_ID],
      bpe.encode(" ASSISTANT:"),
    ];
    const engine = await Engine.load({ directory: join(folder, "model"), device: "cpu" });
    try {
      const { turns } = tokenizePrompt(await engine.tokenizer(), question, history);
      const ids = turns.flatMap((turn) => [[...turn.question, LEARNABLE_ID], [...turn.assistant]]);
      expect(ids).toEqual(expected);
      // two tokens stand between the end of an answer and the next question
      expect(turns.map(({ lead }) => lead)).toEqual([1, 2, 2]);
    } finally {
      await engine.dispose();
    }
  });

  const names = variant === "base" ? ["photo", "alpha"] : ["photo", "gray"];
  const cases = GRAPHS.flatMap(({ rows, tile }) =>
    names.map((name) => ({
      rows,
      tile,
      of: tile === undefined ? rows : `${rows} rows and tiles of ${tile.rows}`,
      name,
    })),
  );
  describe.each(cases)("$name, in graphs of $of rows", ({ rows: batchRows, tile, name }) => {
    let engine: Engine;
    let graphs: number;
    let expected: GoldenCase;
    let picture: EncodedPicture;
    let first: Answer;
    let logits: Float32Array;
    let trace: EmbqTrace | undefined;

    beforeAll(async () => {
      const found = golden.cases.find((candidate) => candidate.name === name);
      if (found === undefined) throw new Error(`no golden called ${name}`);
      expected = found;
      engine = await Engine.load({ directory: join(folder, "model"), device: "cpu", batchRows, tile });
      picture = await engine.encodePicture(join(PARITY_FIXTURES, expected.image));
      first = await engine.ask(
        picture,
        { question: expected.question, maxTokens: 1 },
        {
          onEmbq: (arrays) => void (trace = arrays),
          onLogits: (values, step) => void (step === 0 && (logits = values)),
        },
      );
      graphs = (await engine.counters()).batches;
    });

    afterAll(async () => engine?.dispose());

    it("is computed in as many graphs as that takes", () => {
      const rows = expected.positions - SYSTEM_POSITIONS;
      const least = Math.ceil(rows / batchRows) + (tile !== undefined && rows % tile.rows > 0 ? 1 : 0);
      expect(graphs).toBeGreaterThanOrEqual(least);
      expect(graphs).toBeLessThanOrEqual(least + 1);
    });

    it("has the same features and visual tokens, to 1e-5", async () => {
      const { features, visualTokens } = engine.features(picture);
      const width = manifest.geometry.featureWidth;
      const rows = takeRows(features, width, expected.feature_rows);
      expect(relativeError(rows, await golden.array(`${name}.features.rows`))).toBeLessThan(1e-5);
      const norms = Float32Array.from({ length: picture.features }, (_, row) =>
        Math.hypot(...features.subarray(row * width, (row + 1) * width)),
      );
      expect(relativeError(norms, await golden.array(`${name}.features.row_norms`))).toBeLessThan(1e-5);
      expect(relativeError(visualTokens, await golden.array(`${name}.visual_tokens`))).toBeLessThan(1e-5);
    });

    it("has the same prompt", async () => {
      const { system, turns } = tokenizePrompt(await engine.tokenizer(), expected.question);
      const [turn] = turns;
      const ids = [
        ...system,
        PICTURE_ID,
        ...(turn?.question ?? []),
        LEARNABLE_ID,
        ...(turn?.assistant ?? []),
      ];
      expect(ids).toEqual(expected.input_ids);
      expect(first.tokens.prompt).toBe(expected.positions);
    });

    it("has the same hidden states around EmbQ, to 5e-3 through llama.cpp", async () => {
      const seen = trace ?? {
        queriesIn: new Float32Array(),
        textIn: new Float32Array(),
        queriesOut: new Float32Array(),
      };
      expect(relativeError(seen.queriesIn, await golden.array(`${name}.query_in`))).toBeLessThan(5e-3);
      expect(relativeError(seen.textIn, await golden.array(`${name}.text_in`))).toBeLessThan(5e-3);
      expect(relativeError(seen.queriesOut, await golden.array(`${name}.query_out`))).toBeLessThan(5e-3);
    });

    it("has the same logits, to 5e-3", async () => {
      expect(relativeError(logits, await golden.array(`${name}.logits`))).toBeLessThan(5e-3);
    });

    it("says the same, as far as rounding allows", async () => {
      const { greedy, margin } = expected;
      const close = margin.findIndex((distance) => distance <= SAFE_MARGIN);
      const certain = close === -1 ? greedy.length : close;
      const answer = await engine.ask(picture, { question: expected.question, maxTokens: certain });
      expect(answer.ids).toEqual(greedy.slice(0, certain));
      expect(certain).toBeGreaterThan(3);
    });
  });
});
