import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { writeEmbqGraph, writeVisionGraph } from "../../src/convert/onnx/write.ts";
import type { Attention, EncodedPicture } from "../../src/engine/api.ts";
import { startEngine } from "../../src/engine/client.ts";
import type { EmbqTrace } from "../../src/engine/embq-tap.ts";
import { Engine } from "../../src/engine/engine.ts";
import { convertDemo, DEMO_CHECKPOINT, DRAWINGS } from "../demo/demo-model.ts";
import { furthest, relativeError } from "../vision/error.ts";
import { PlainAttention } from "../vision/plain-attention.ts";

const DRAWING = join(DRAWINGS, "023.png");
const CIRCLE = "What color is the circle?";
const STAR = "What color is the star?";

/** The mean map over queries: [81] */
function meanOf({ weights, queries }: Attention): Float64Array {
  const mean = new Float64Array(weights.length / queries);
  for (const [at, weight] of weights.entries()) {
    const place = at % mean.length;
    mean[place] = (mean[place] ?? 0) + weight / queries;
  }
  return mean;
}

function sums(values: Float32Array, length: number): number[] {
  return Array.from({ length: values.length / length }, (_, row) =>
    values.subarray(row * length, (row + 1) * length).reduce((a, b) => a + b, 0),
  );
}

describe("an answer that comes with where the model looked", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: Engine;
  let picture: EncodedPicture;

  beforeAll(async () => {
    demo = await convertDemo();
    engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1, parallel: 2 });
    picture = await engine.encodePicture(DRAWING);
  });

  afterAll(async () => {
    await engine?.dispose();
    await demo?.remove();
  });

  it("has EmbQ's attention by its definition, and is the same answer", async () => {
    let read: Pick<EmbqTrace, "queriesIn" | "textIn"> = {
      queriesIn: new Float32Array(),
      textIn: new Float32Array(),
    };
    const plain = await engine.ask(picture, { question: CIRCLE });
    const answer = await engine.ask(
      picture,
      { question: CIRCLE, explain: {} },
      { onEmbq: (trace) => (read = trace) },
    );
    expect(plain.explain).toBeUndefined();
    expect(plain.ms.explain).toBeUndefined();
    expect(answer.ids).toEqual(plain.ids);
    const { explain: map } = answer;
    if (map === undefined) throw new Error("there is no map");
    const { weights, ...rest } = map;
    expect(rest).toEqual({
      layer: "embq",
      queries: 9,
      crops: "squash",
      imageSize: 126,
      patchSize: 14,
      grid: 9,
    });
    const checkpoint = await openCheckpoint({ directory: DEMO_CHECKPOINT });
    const { features } = engine.features(picture);
    const expected = await new PlainAttention(checkpoint).embq(read.queriesIn, read.textIn, features);
    await checkpoint.close();
    expect(furthest(weights, expected)).toBeLessThan(1e-5);
    expect(relativeError(weights, [...expected])).toBeLessThan(1e-5);
    for (const sum of sums(weights, 81)) expect(sum).toBeCloseTo(1, 5);
  });

  it("has the pooling's attention, whatever is asked", async () => {
    const { explain: map } = await engine.ask(picture, { question: CIRCLE, explain: { layer: "sap" } });
    const other = await engine.ask(picture, { question: STAR, embq: false, explain: { layer: "sap" } });
    expect(map).toMatchObject({ layer: "sap", queries: 1, window: 3, grid: 9 });
    const checkpoint = await openCheckpoint({ directory: DEMO_CHECKPOINT });
    const expected = await new PlainAttention(checkpoint).pooling(engine.features(picture).features);
    await checkpoint.close();
    expect(furthest(map?.weights ?? [], expected)).toBeLessThan(1e-5);
    expect(other.explain?.weights).toEqual(map?.weights);
  });

  it("has a map of a question whose positions are all in the KV cache", async () => {
    const first = await engine.ask(picture, { question: CIRCLE, keep: true, explain: {} });
    const again = await engine.ask(picture, { question: CIRCLE, keep: true });
    expect(again.tokens.prompt - again.reusedPositions).toBe(1); // nothing but the last one is computed
    const explained = await engine.ask(picture, { question: CIRCLE, keep: true, explain: {} });
    expect(explained.tokens.prompt - explained.reusedPositions).toBeGreaterThan(9);
    expect(explained.ids).toEqual(first.ids);
    expect(furthest(explained.explain?.weights ?? [], first.explain?.weights ?? [])).toBeLessThan(1e-3);
  });

  it("has the map of the last of several turns, kept or given at once", async () => {
    const turn = { question: CIRCLE, answer: "Red." };
    const fresh = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
    try {
      const seen = await fresh.encodePicture(DRAWING);
      const whole = await fresh.ask(seen, { question: STAR, history: [turn], explain: {} });
      await engine.ask(picture, { question: CIRCLE, keep: true });
      const kept = await engine.ask(picture, { question: STAR, history: [turn], keep: true, explain: {} });
      const alone = await engine.ask(picture, { question: CIRCLE, explain: {} });
      const weights = whole.explain?.weights ?? new Float32Array();
      expect(furthest(kept.explain?.weights ?? [], weights)).toBeLessThan(1e-3);
      expect(furthest(alone.explain?.weights ?? [], weights)).toBeGreaterThan(1e-2);
    } finally {
      await fresh.dispose();
    }
  });

  it("keeps the maps of questions that are asked at once apart", async () => {
    const asked = await Promise.all(
      [CIRCLE, STAR, "How many shapes are there?"].map(async (question) => {
        const { explain } = await engine.ask(picture, { question, explain: {} });
        return { question, explain };
      }),
    );
    for (const { question, explain } of asked) {
      const alone = await engine.ask(picture, { question, explain: {} });
      expect(furthest(explain?.weights ?? [], alone.explain?.weights ?? []), question).toBeLessThan(1e-3);
    }
  });

  it("crosses the engine's thread", async () => {
    const remote = await startEngine({ directory: demo.directory, device: "cpu", threads: 1 });
    try {
      const seen = await remote.encodePicture(DRAWING);
      const { explain } = await remote.ask(seen, { question: CIRCLE, explain: {} });
      const here = await engine.ask(picture, { question: CIRCLE, explain: {} });
      expect(explain?.weights).toBeInstanceOf(Float32Array);
      expect(furthest(explain?.weights ?? [], here.explain?.weights ?? [])).toBeLessThan(1e-6);
    } finally {
      await remote.dispose();
    }
  });

  it("has no map where the model was stopped before it looked", async () => {
    const signal = AbortSignal.abort();
    const stopped = await engine.ask(picture, { question: CIRCLE, explain: {} }, { signal });
    expect(stopped.finish).toBe("interrupted");
    expect(stopped.explain).toBeUndefined();
  });

  it("is refused without EmbQ, and of a picture that was not pooled", async () => {
    await expect(engine.ask(picture, { question: CIRCLE, embq: false, explain: {} })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("EmbQ is left out"),
    });
    const whole = await engine.encodePicture(DRAWING, { uncompressed: true });
    const sap = { question: CIRCLE, explain: { layer: "sap" } } as const;
    await expect(engine.ask(whole, sap)).rejects.toMatchObject({ code: "usage" });
  });

  it("gives EmbQ's map of a model whose circle is red more to the circle than to the rest", async () => {
    const { explain } = await engine.ask(picture, { question: CIRCLE, explain: {} });
    const mean = explain && meanOf(explain);
    expect(Math.max(...(mean ?? []))).toBeGreaterThan(2 / 81);
  });
});

describe("the graphs behind it", () => {
  it.each(["fp16", "int8", "mixed"] as const)(
    "pool as the vision encoder in %s does",
    async (visionPrecision) => {
      const folder = await mkdtemp(join(tmpdir(), "flashsloth-look-"));
      const directory = join(folder, "demo");
      await convertCheckpoint({ checkpoint: DEMO_CHECKPOINT, out: directory, name: "demo", visionPrecision });
      const engine = await Engine.load({ directory, device: "cpu", threads: 1 });
      const checkpoint = await openCheckpoint({ directory: DEMO_CHECKPOINT });
      try {
        const picture = await engine.encodePicture(DRAWING);
        const { explain } = await engine.ask(picture, { question: CIRCLE, explain: { layer: "sap" } });
        const expected = await new PlainAttention(checkpoint).pooling(engine.features(picture).features);
        expect(furthest(explain?.weights ?? [], expected)).toBeLessThan(1e-5);
        const embq = await engine.ask(picture, { question: CIRCLE, explain: {} });
        expect(sums(embq.explain?.weights ?? new Float32Array(), 81)).toHaveLength(9);
      } finally {
        await checkpoint.close();
        await engine.dispose();
        await rm(folder, { recursive: true });
      }
    },
  );

  it("leave the other files as they are without them, to the byte", async () => {
    const demo = await convertDemo();
    const alone = await mkdtemp(join(tmpdir(), "flashsloth-look-"));
    const checkpoint = await openCheckpoint({ directory: DEMO_CHECKPOINT });
    try {
      await writeVisionGraph({ checkpoint, directory: alone });
      await writeEmbqGraph({ checkpoint, directory: alone });
      for (const name of ["vision.onnx", "vision.onnx.data", "embq.onnx", "embq.onnx.data"]) {
        const [with_, without] = await Promise.all([
          readFile(join(demo.directory, name)),
          readFile(join(alone, name)),
        ]);
        expect(with_.equals(without), name).toBe(true);
      }
    } finally {
      await checkpoint.close();
      await rm(alone, { recursive: true });
      await demo.remove();
    }
  });

  it("are not read unless an answer is to be explained, and their absence is said in one line", async () => {
    const demo = await convertDemo();
    const path = join(demo.directory, "manifest.json");
    const manifest = JSON.parse(await readFile(path, "utf8")) as {
      roles: Record<string, string>;
      files: { name: string }[];
    };
    const looks = [manifest.roles["embqLook"], manifest.roles["sapLook"]];
    expect(looks).toEqual(["embq.look.onnx", "sap.look.onnx"]);
    for (const file of looks) await rm(join(demo.directory, file ?? ""));
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
    try {
      const picture = await engine.encodePicture(DRAWING);
      await expect(engine.ask(picture, { question: CIRCLE })).resolves.toMatchObject({ text: "Red." });
      await expect(engine.ask(picture, { question: CIRCLE, explain: {} })).rejects.toMatchObject({
        code: "model-invalid",
      });
    } finally {
      await engine.dispose();
    }
    // a folder that an older release converted says nothing of them
    delete manifest.roles["embqLook"];
    delete manifest.roles["sapLook"];
    manifest.files = manifest.files.filter(({ name }) => !looks.includes(name));
    await writeFile(path, JSON.stringify(manifest));
    const older = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
    try {
      const picture = await older.encodePicture(DRAWING);
      for (const layer of ["embq", "sap"] as const) {
        await expect(older.ask(picture, { question: CIRCLE, explain: { layer } })).rejects.toMatchObject({
          code: "usage",
          message: expect.stringMatching(/^[^\n]*converted without the graph/),
          hint: expect.stringContaining("pull it again"),
        });
      }
      await expect(older.ask(picture, { question: CIRCLE })).resolves.toMatchObject({ text: "Red." });
    } finally {
      await older.dispose();
      await demo.remove();
    }
  });
});
