import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listModels } from "../../src/store/list.ts";
import { removeModel } from "../../src/store/remove.ts";
import { resolveModel } from "../../src/store/resolve.ts";
import { verifyModel } from "../../src/store/verify.ts";
import { fakeConverter } from "./fake-converter.ts";
import { HubPlace, REPO, SHARD } from "./hub/hub-place.ts";

const MODEL = `hf:${REPO}`;

async function filled(): Promise<HubPlace> {
  const place = await HubPlace.open();
  await place.pull();
  await place.pull({ quant: "q8_0" });
  await resolveModel({ model: "demo", paths: place.paths, convert: fakeConverter() });
  return place;
}

describe("list", () => {
  it("shows complete models, and nothing that is not", async () => {
    const place = await filled();
    const { models } = place.paths;
    await mkdir(join(models, "half"));
    await mkdir(join(models, ".partial-x~y"));
    await mkdir(join(models, "odd"));
    await writeFile(join(models, "odd", "manifest.json"), "{");
    const listed = await listModels(place.paths);
    expect(listed.map(({ name, quant }) => `${name} ${quant}`)).toEqual([
      "demo f16",
      `${MODEL} q4_k_m`,
      `${MODEL} q8_0`,
    ]);
    expect(listed[1]).toMatchObject({ repo: REPO, revision: "c".repeat(40), size: 4 * 29 });
  });

  it("shows nothing where there is no store", async () => {
    const place = await HubPlace.open();
    expect(await listModels(place.paths)).toEqual([]);
  });
});

describe("verify", () => {
  it("finds every kind of damage and says what to do", async () => {
    const place = await filled();
    const { paths } = place;
    expect((await verifyModel({ model: MODEL, paths })).map(({ ok }) => ok)).toEqual([true, true]);
    const { directory } = await place.pull();
    const language = join(directory, "language.gguf");
    const bytes = await readFile(language);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    await writeFile(language, bytes);
    await appendFile(join(directory, "queries.f32"), "x");
    await rm(join(directory, "embq.onnx"));
    const [damaged, other] = await verifyModel({ model: MODEL, paths });
    expect(damaged).toEqual({
      name: MODEL,
      directory,
      quant: "q4_k_m",
      vision: { precision: "fp32", featureError: 0, tokenError: 0 },
      ok: false,
      files: [
        { name: "vision.onnx", state: "ok" },
        { name: "embq.onnx", state: "missing" },
        { name: "language.gguf", state: "changed" },
        { name: "queries.f32", state: "changed" },
      ],
      advice: `run \`flashsloth remove ${MODEL}\`, then \`flashsloth pull ${MODEL}\``,
    });
    expect(other?.ok).toBe(true);
    // what it advised helps
    await removeModel({ model: MODEL, paths });
    await place.pull();
    expect((await verifyModel({ model: MODEL, paths })).map(({ ok }) => ok)).toEqual([true]);
  });

  it("takes a folder, and refuses what is not there", async () => {
    const { paths } = await filled();
    const [demo] = await verifyModel({ model: "demo", paths });
    const [again] = await verifyModel({ model: demo?.directory ?? "", paths });
    expect(again).toEqual(demo);
    await expect(verifyModel({ model: "flashsloth-3.2b", paths })).rejects.toMatchObject({
      code: "model-missing",
    });
  });
});

describe("remove", () => {
  it("takes every weight type, kept checkpoints and partial files, and leaves other models", async () => {
    const place = await filled();
    const { paths } = place;
    await place.pull({ quant: "q5_k_m", keepCheckpoint: true });
    await mkdir(join(paths.models, ".partial-owner--sloth~q4_k_m"));
    await mkdir(join(paths.models, ".trash-owner--sloth.q8_0~0123"));
    const { removed, bytes } = await removeModel({ model: MODEL, paths });
    expect(removed).toHaveLength(6);
    expect(bytes).toBeGreaterThan(900_000);
    expect((await listModels(paths)).map(({ name }) => name)).toEqual(["demo"]);
    expect(await place.strays()).toEqual([]);
    await removeModel({ model: "demo", paths });
    expect(await listModels(paths)).toEqual([]);
  });

  it("clears what an interrupted pull left, of a model that is not there yet", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path) => (path === SHARD ? { kind: "truncate", after: 0 } : undefined);
    await expect(place.pull()).rejects.toMatchObject({ code: "network" });
    expect((await removeModel({ model: MODEL, paths: place.paths })).bytes).toBeGreaterThan(0);
    expect(await place.strays()).toEqual([]);
  });

  it("removes a model that is damaged", async () => {
    const { paths } = await filled();
    const [demo] = await verifyModel({ model: "demo", paths });
    await rm(join(demo?.directory ?? "", "vision.onnx"));
    expect((await listModels(paths)).some(({ name }) => name === "demo")).toBe(false);
    expect((await removeModel({ model: "demo", paths })).removed).toEqual([demo?.directory]);
  });

  it("says what there is when there is nothing by that name", async () => {
    const { paths } = await filled();
    await expect(removeModel({ model: "dmeo", paths })).rejects.toMatchObject({
      code: "usage",
      hint: `did you mean "demo"? on this disk are demo, ${MODEL}`,
    });
    await expect(removeModel({ model: "flashsloth-3.2b", paths })).rejects.toMatchObject({
      code: "model-missing",
    });
  });
});
