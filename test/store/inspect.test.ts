import { readdir, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { FlashSlothError } from "../../src/core/errors.ts";
import { inspectModel, type InspectOptions } from "../../src/store/inspect.ts";
import type { Inspection } from "../../src/store/inspection.ts";
import { DEMO, DemoCopy, float16 } from "../checkpoint/demo-copy.ts";
import { folderRepository, inShards } from "../hub/checkpoint-files.ts";
import { random } from "../random.ts";
import { HubPlace, REPO } from "./hub/hub-place.ts";
import { scratch } from "./scratch.ts";

async function inspect(place: HubPlace, options: Partial<InspectOptions> = {}): Promise<Inspection> {
  const patience = { attempts: 2, pauseMs: 1, stallMs: 500 };
  return inspectModel({ model: `hf:${REPO}`, env: place.env, patience, ...options });
}

describe("inspecting a repository", () => {
  it("says what it holds and what a pull would take, from the small files and the headers alone", async () => {
    const place = await HubPlace.open({ files: inShards(await folderRepository(DEMO), 2) });
    const found = await inspect(place);
    const [first, second] = found.weights;
    expect(found).toMatchObject({
      where: REPO,
      revision: "c".repeat(40),
      kind: "checkpoint",
      usable: true,
      problems: [],
      remarks: [],
      geometry: { layers: 6, hiddenSize: 128, tokensPerCrop: 9, endTokens: [553, 551] },
      missing: [],
      unused: [],
      unknown: [],
      tokenizer: { tokens: 552, merges: 295, added: 3 },
      visionTower: undefined,
      takes: { quant: "q4_k_m", visionPrecision: "fp32" },
    });
    expect(first).toMatchObject({ name: "model-00001-of-00002.safetensors", tensors: 95 });
    expect(second?.tensors).toBe(94);
    expect(found.parts.map(({ part, tensors, types }) => [part, tensors, types])).toEqual([
      ["decoder layers", 86, { F16: 86 }],
      ["vision tower", 67, { F16: 67 }],
      ["output", 2, { F16: 2 }],
      ["token embeddings", 1, { F16: 1 }],
      ["EmbQ", 24, { F16: 24 }],
      ["projector", 4, { F16: 4 }],
      ["spatial attention pooling", 4, { F16: 4 }],
      ["query vectors", 1, { F16: 1 }],
    ]);
    const sent = place.server.sent();
    expect(sent).toBeLessThan(2 * 128 * 1024 + 50_000);
    // nothing was written
    await expect(readdir(place.paths.home)).rejects.toThrow("ENOENT");

    // and so it is
    const { report, manifest } = await place.pull({ convert: undefined });
    expect(report?.received).toBe(found.takes?.fetch);
    const size = manifest.files.reduce((sum, file) => sum + file.size, 0);
    expect(Math.abs((found.takes?.size ?? 0) / size - 1)).toBeLessThan(0.03);
    expect((await inspect(place, { quant: "f16" })).takes?.convert).toBeGreaterThan(
      found.takes?.convert ?? 0,
    );
  });

  it("lists all that is wrong, missing, unknown and never read", async () => {
    await using copy = await DemoCopy.create();
    await copy.editTensors((header) => {
      delete header["lm_head.bias"];
      delete header["model.lqformer.up_projector.weight"];
      header["model.extra"] = float16(3, 4);
      header["model.rotary_emb.inv_freq"] = { ...float16(8), dtype: "F32" };
    });
    const place = await HubPlace.open({ files: await folderRepository(copy.directory) });
    const found = await inspect(place);
    expect(found).toMatchObject({
      usable: false,
      problems: [`${REPO}: tensor lm_head.bias and 1 more are missing from the checkpoint`],
      missing: ["lm_head.bias", "model.lqformer.up_projector.weight"],
      unknown: [{ name: "model.extra", dtype: "F16", shape: [3, 4] }],
      unused: [{ name: "model.rotary_emb.inv_freq", dtype: "F32", shape: [8] }],
      takes: undefined,
    });
    expect((await inspect(place, { strict: true })).problems).toHaveLength(2);
    expect(await inspect(place, { model: copy.directory })).toMatchObject({
      where: copy.directory,
      revision: null,
      missing: found.missing,
      unknown: found.unknown,
    });
  });

  it.each([
    ["nothing", {}, ["config.json is missing", "holds no tokenizer", "holds neither model.safetensors"]],
    [
      "only Python pickles",
      { "pytorch_model.bin": { bytes: Buffer.alloc(9), lfs: true } },
      ["config.json is missing", "holds no tokenizer", "only as pytorch_model.bin"],
    ],
  ])("of %s gives every reason", async (_, files, reasons) => {
    const place = await HubPlace.open({
      files: { "README.md": { bytes: Buffer.from("#"), lfs: false }, ...files },
    });
    const { problems, usable } = await inspect(place);
    expect(usable).toBe(false);
    expect(problems).toEqual(reasons.map((reason) => expect.stringContaining(reason) as unknown));
  });

  it("counts a vision tower that nobody can give as a problem among others", async () => {
    await using copy = await DemoCopy.create();
    await copy.editJson("config.json", (config) => (config["mm_vision_tower"] = "somebody/tower"));
    const prefix = "model.vision_tower.vision_tower.";
    await copy.moveTensors("away.bin", (name) => (name.startsWith(prefix) ? name : undefined));
    const place = await HubPlace.open({ files: await folderRepository(copy.directory) });
    expect((await inspect(place)).problems).toEqual([
      expect.stringMatching(
        /owner\/sloth does not hold its vision tower, which is somebody\/tower: .* has no somebody\/tower/,
      ),
    ]);
  });

  it("takes names with and without hf:, and refuses what is neither a repository nor a folder", async () => {
    const place = await HubPlace.open({ files: await folderRepository(DEMO) });
    expect((await inspect(place, { model: REPO })).usable).toBe(true);
    expect((await inspect(place, { model: "demo" })).usable).toBe(true);
    await expect(inspect(place, { model: "owner/slot" })).rejects.toMatchObject({ code: "model-missing" });
    await expect(inspect(place, { model: "slot" })).rejects.toMatchObject({ code: "usage" });
    await expect(inspect(place, { model: "/nowhere/at/all" })).rejects.toMatchObject({ code: "usage" });
    place.env["HF_HUB_OFFLINE"] = "1";
    await expect(inspect(place)).rejects.toMatchObject({ code: "model-missing" });
  });

  it("knows a converted one by its manifest", async () => {
    const out = `${await scratch()}/sloth`;
    await convertCheckpoint({ checkpoint: DEMO, out, name: "sloth", quant: "q8_0" });
    const files = await folderRepository(out);
    const place = await HubPlace.open({ files });
    const found = await inspect(place);
    const size = Object.entries(files)
      .filter(([name]) => !["README.md", "manifest.json"].includes(name))
      .reduce((sum, [, { bytes }]) => sum + bytes.byteLength, 0);
    expect(found).toMatchObject({
      kind: "converted",
      usable: true,
      remarks: [expect.stringMatching(/^converted from checkpoint by flashsloth /)],
      takes: { quant: "q8_0", visionPrecision: "fp32", fetch: size, convert: 0, size },
    });
    expect(await inspect(place, { model: out })).toMatchObject({
      kind: "converted",
      takes: { fetch: 0, size },
    });
    await writeFile(`${out}/embq.onnx`, "");
    expect(await inspect(place, { model: out })).toMatchObject({
      usable: false,
      problems: [expect.stringContaining("embq.onnx has 0 bytes instead of")],
    });
  });
});

describe("a hostile repository", () => {
  it("is inspected to its end or refused, wherever its headers, its index or its small files are damaged", async () => {
    const whole = inShards(await folderRepository(DEMO), 2);
    const place = await HubPlace.open({ files: whole });
    const next = random(21);
    const names = Object.keys(whole).filter((name) => name !== "README.md");
    let bad = 0;
    for (let round = 0; round < 120; round++) {
      const name = names[Math.floor(next() * names.length)] ?? "";
      const original = whole[name] ?? { bytes: new Uint8Array(), lfs: false };
      const bytes = Buffer.from(original.bytes);
      const end = name.endsWith(".safetensors")
        ? Math.min(bytes.byteLength, 8 + Number(bytes.readBigUInt64LE(0)))
        : bytes.byteLength;
      for (let times = 0; times < 3; times++) {
        const at = Math.floor(next() * end);
        bytes[at] =
          next() < 0.5
            ? '0123456789{}[]":,.-eE'.charCodeAt(Math.floor(next() * 21))
            : Math.floor(next() * 256);
      }
      const cut = next() < 0.2 ? Math.floor(next() * bytes.byteLength) : bytes.byteLength;
      place.server.files.set(name, { ...original, bytes: bytes.subarray(0, cut) });
      try {
        const { usable, problems } = await inspect(place);
        expect(problems.length > 0, name).toBe(!usable);
        if (!usable) bad += 1;
      } catch (error) {
        expect(error, name).toBeInstanceOf(FlashSlothError);
        bad += 1;
      }
      place.server.files.set(name, original);
    }
    expect(bad).toBeGreaterThan(60);
    expect((await inspect(place)).usable).toBe(true);
  });

  it("that announces a header without end costs no more than its first bytes", async () => {
    const files = await folderRepository(DEMO);
    const bytes = Buffer.alloc(3_000_000);
    for (const [length, reason] of [
      [2n ** 63n, "more than the 100000000 allowed"],
      [50_000_000n, "the file is cut short"],
      [2_500_000n, "does not begin with {"],
    ] as const) {
      bytes.writeBigUInt64LE(length);
      const place = await HubPlace.open({
        files: { ...files, "model.safetensors": { bytes: Buffer.from(bytes), lfs: true } },
      });
      expect((await inspect(place)).problems).toEqual([expect.stringContaining(reason)]);
    }
  });
});
