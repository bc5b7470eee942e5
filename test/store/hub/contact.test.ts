import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { toFloat32 } from "../../../src/core/model/dtype.ts";
import { TOWER_PREFIX } from "../../../src/checkpoint/names.ts";
import type { Manifest } from "../../../src/core/model/manifest.ts";
import { INDEX_FILE } from "../../../src/formats/safetensors/weight-files.ts";
import { convertCheckpoint } from "../../../src/convert/convert.ts";
import type { PullOptions } from "../../../src/store/pull.ts";
import { DEMO, DemoCopy, float16 } from "../../checkpoint/demo-copy.ts";
import { folderRepository, inShards } from "../../hub/checkpoint-files.ts";
import { apart, SIGLIP } from "../../hub/tower-apart.ts";
import { publishedConfig, publishedTokenizer, pythonJson } from "../../hub/published-forms.ts";
import type { HubServerOptions, ServedFile } from "../../hub/server.ts";
import { HubPlace, REPO } from "./hub-place.ts";

/*
 * First contact with a repository: whatever may differ from what we expect of the published ones is survived, or said before the
 * weights have come. Here with the project's own converter.
 */
const STEP = 128 * 1024;

/** What the demo's checkpoint is converted to, by file: what a repository that only looks different must give too. */
const reference = new Map<string, string>();
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-contact-"));
  const { files } = await convertCheckpoint({ checkpoint: DEMO, out: join(folder, "m"), name: "reference" });
  for (const { name, sha256 } of files) reference.set(name, sha256);
  await rm(folder, { recursive: true });
});

async function openWith(
  files: Record<string, ServedFile>,
  options: Partial<HubServerOptions> = {},
): Promise<HubPlace> {
  return HubPlace.open({ files, ...options });
}

/** Pulls with the project's converter, at the exact weight type. */
async function pull(place: HubPlace, options: PullOptions = {}): Promise<Manifest> {
  return (await place.pull({ convert: undefined, quant: "f16", ...options })).manifest;
}

/** Everything but the language file, whose header names the repository, is what the demo gives; and that has its size. */
function expectSame(manifest: Manifest, except: readonly string[] = ["language.gguf"]): void {
  for (const { name, sha256 } of manifest.files) {
    if (!except.includes(name)) expect(sha256, name).toBe(reference.get(name));
  }
}

/** Bytes sent of the weights' own files. */
function weightsSent(place: HubPlace): number {
  return [...place.server.files.keys()]
    .filter((name) => name.endsWith(".safetensors") || name.endsWith(".bin"))
    .reduce((sum, name) => sum + place.server.sent(name), 0);
}

/** A pull that is refused before more than the beginnings of the weights have come. */
async function refused(
  place: HubPlace,
  options: PullOptions = {},
): Promise<{ message: string; hint?: string }> {
  const error = await pull(place, options).then(
    () => ({ code: "none", message: "it was pulled" }),
    (thrown: unknown) => thrown as { code: string; message: string; hint?: string },
  );
  expect(error).toMatchObject({ code: "checkpoint-invalid" });
  const shards = [...place.server.files.keys()].filter((name) => name.endsWith(".safetensors")).length;
  expect(weightsSent(place)).toBeLessThanOrEqual(shards * STEP);
  expect(await readdir(place.paths.models)).toEqual([]);
  return error;
}

describe("a repository as the published ones are", () => {
  it("is pulled without a note: two shards, slow tokenizer files, every key of the published configuration", async () => {
    const demo = await folderRepository(DEMO);
    const sizes = JSON.parse(Buffer.from(demo["config.json"]?.bytes ?? []).toString()) as object;
    const files = inShards(demo, 2);
    const small = {
      ...(await publishedTokenizer(DEMO)),
      "config.json": pythonJson({ ...publishedConfig(false), ...sizes, num_key_value_heads: 4 }),
      "README.md": "---\nlicense: apache-2.0\n---\n",
      ".gitattributes": "*.safetensors filter=lfs\n",
    };
    for (const [name, text] of Object.entries(small)) files[name] = { bytes: Buffer.from(text), lfs: false };
    const place = await openWith(files);
    expectSame(await pull(place));
    expect(place.notes()).toEqual([]);
    // no byte came twice, though the beginnings of the shards came first
    const unneeded = new Set([".gitattributes", "generation_config.json"]);
    for (const [name, { bytes }] of place.server.files) {
      expect(place.server.sent(name), name).toBe(unneeded.has(name) ? 0 : bytes.byteLength);
    }
    expect(await place.strays()).toEqual([]);
  });
});

async function withExtras(): Promise<HubPlace> {
  await using copy = await DemoCopy.create();
  await copy.editTensors((header) => {
    header["model.layers.0.self_attn.rotary_emb.inv_freq"] = { ...float16(8), dtype: "F32" };
    header["model.extra.weight"] = float16(300, 3);
    header["lm_head.scales"] = { ...float16(576), dtype: "F8_E4M3" };
  });
  return openWith(await folderRepository(copy.directory));
}

describe("tensors that nobody knows", () => {
  it("are noted once and left out", async () => {
    const place = await withExtras();
    expectSame(await pull(place));
    expect(place.notes()).toEqual([
      '2 tensors (2.38 kB) that no part of a FlashSloth needs, left out: "model.extra.weight" [300, 3], "lm_head.scales" [576]',
    ]);
  });

  it("are refused where that is asked for, before the weights come", async () => {
    const place = await withExtras();
    const { message } = await refused(place, { strict: true });
    expect(message).toContain(
      'tensor "model.extra.weight" [300, 3], "lm_head.scales" [576] are no part of a FlashSloth',
    );
  });
});

describe("weights that do not fit are refused before they come", () => {
  it("a tensor that is missing, by its name, and how to see the others", async () => {
    await using copy = await DemoCopy.create();
    await copy.editTensors((header) => {
      delete header["model.lqformer.up_projector.weight"];
      header["lm_head.weight"] = float16(576, 127);
    });
    const { message, hint } = await refused(await openWith(await folderRepository(copy.directory)));
    expect(message).toBe(`${REPO}: tensor model.lqformer.up_projector.weight is missing from the checkpoint`);
    expect(hint).toBe("1 more problem: `flashsloth inspect` lists all");
  });

  it("a configuration of another model", async () => {
    await using copy = await DemoCopy.create();
    await copy.editJson("config.json", (config) => (config["num_hidden_layers"] = 7));
    const { message } = await refused(await openWith(await folderRepository(copy.directory)));
    expect(message).toBe(`${REPO}/config.json: num_hidden_layers is 7, the tensors have 6 decoder layers`);
  });

  it("only Python pickles, which nobody runs", async () => {
    const { "model.safetensors": _, ...files } = await folderRepository(DEMO);
    for (const name of ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]) {
      files[name] = { bytes: Buffer.alloc(500_000, 1), lfs: true };
    }
    const place = await openWith(files);
    const { message, hint } = await refused(place);
    expect(message).toContain("has its weights only as pytorch_model-00001-of-00002.bin: a Python pickle");
    expect(hint).toContain("safe_serialization=True");
    expect(weightsSent(place)).toBe(0);
  });

  it("the changed parts of a model alone", async () => {
    const { "model.safetensors": weights, ...files } = await folderRepository(DEMO);
    const place = await openWith({
      ...files,
      "adapter_model.safetensors": weights ?? { bytes: new Uint8Array(), lfs: true },
    });
    expect((await refused(place)).message).toContain("holds only the changed parts of a model");
  });

  it("a shard that is cut short on the hub", async () => {
    const files = inShards(await folderRepository(DEMO), 2);
    const name = Object.keys(files).find((file) => file.endsWith(".safetensors")) ?? "";
    const whole = files[name]?.bytes ?? new Uint8Array();
    files[name] = { bytes: whole.subarray(0, whole.byteLength - 1000), lfs: true };
    expect((await refused(await openWith(files))).message).toMatch(
      /ends at byte \d+ of \d+ bytes of data: the file is cut short/,
    );
  });
});

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

const LAST = new Set(["model.mm_projector.2.bias", "lm_head.bias"]);

describe("weights in other clothes are what they are", () => {
  it("F16, F32 and BF16 in one checkpoint", async () => {
    await using copy = await DemoCopy.create();
    await copy.retype(
      "F32",
      (name) => name.includes("layers.1.") || name.includes("lqformer"),
      (bytes) => bytesOf(toFloat32(bytes, "F16")),
    );
    await copy.retype(
      "BF16",
      (name) => LAST.has(name),
      (bytes) => {
        const words = new Uint32Array(toFloat32(bytes, "F16").buffer);
        return bytesOf(Uint16Array.from(words, (word) => word >>> 16));
      },
    );
    const manifest = await pull(await openWith(await folderRepository(copy.directory)));
    expectSame(manifest, ["language.gguf", "vision.onnx.data"]);
    const sizes = manifest.files.map(({ size }) => size);
    expect(sizes.every((size) => size > 0)).toBe(true);
  });

  it("an index that lists what is not there, and shards that it does not list", async () => {
    const files = inShards(await folderRepository(DEMO), 3);
    const index = JSON.parse(Buffer.from(files[INDEX_FILE]?.bytes ?? []).toString()) as {
      weight_map: Record<string, string>;
    };
    const [shard = ""] = Object.values(index.weight_map);
    index.weight_map["model.layers.0.self_attn.rotary_emb.inv_freq"] = shard;
    delete index.weight_map["lm_head.bias"];
    files[INDEX_FILE] = { bytes: Buffer.from(JSON.stringify(index)), lfs: false };
    const place = await openWith(files);
    expectSame(await pull(place));
    expect(place.notes()).toEqual([
      `"lm_head.bias" is in a shard and not in ${INDEX_FILE}`,
      `"model.layers.0.self_attn.rotary_emb.inv_freq" is in ${INDEX_FILE} and in no shard`,
    ]);
  });

  it("shards without an index", async () => {
    const { [INDEX_FILE]: _, ...files } = inShards(await folderRepository(DEMO), 3);
    const place = await openWith(files);
    expectSame(await pull(place));
    expect(place.notes()).toEqual([`no ${INDEX_FILE}: all 3 shards are read`]);
  });

  it("a tokenizer in one file, and added tokens in tokenizer_config.json alone", async () => {
    const { "added_tokens.json": _, ...slow } = await folderRepository(DEMO);
    const tokenizer = await publishedTokenizer(DEMO);
    slow["tokenizer_config.json"] = {
      bytes: Buffer.from(tokenizer["tokenizer_config.json"] ?? ""),
      lfs: false,
    };
    const first = await openWith(slow);
    const manifest = await pull(first);
    expectSame(manifest);
    expect([manifest.geometry.endTokens, first.notes()]).toEqual([[553, 551], []]);

    const { "vocab.json": vocab, "merges.txt": merges, ...rest } = await folderRepository(DEMO);
    const whole = {
      added_tokens: [],
      model: {
        type: "BPE",
        vocab: JSON.parse(Buffer.from(vocab?.bytes ?? []).toString()) as unknown,
        merges: Buffer.from(merges?.bytes ?? [])
          .toString()
          .trim()
          .split("\n")
          .slice(1),
      },
    };
    const second = await openWith({
      ...rest,
      "tokenizer.json": { bytes: Buffer.from(JSON.stringify(whole)), lfs: false },
    });
    expectSame(await pull(second));
  });
});

describe("a vision tower that the weights lack", () => {
  it("comes from the repository that the configuration means, only what is needed, and goes on where it stopped", async () => {
    const { files, siglip, tower } = await apart();
    const place = await openWith(files, { others: { [SIGLIP]: siglip } });
    const key = `${SIGLIP}/model.safetensors`;
    let asked = 0;
    place.server.fault = (path) => {
      if (path !== key) return undefined;
      asked += 1;
      // the header comes, then a window of the tensors breaks off again and again
      return asked > 1 ? { kind: "truncate", after: 100_000 } : undefined;
    };
    await expect(pull(place)).rejects.toMatchObject({ code: "network" });
    place.server.fault = () => undefined;
    const weights = place.server.sent("model.safetensors");
    expectSame(await pull(place));
    // the checkpoint's own weights had come, and did not come again
    expect(place.server.sent("model.safetensors") - weights).toBe(0);
    expect(place.notes().at(-1)).toBe(
      `the vision tower is not among the weights: it is taken from ${SIGLIP}@${"c".repeat(12)}`,
    );
    expect(tower).toBeGreaterThan(800_000);
    expect(place.server.sent(key)).toBeLessThan(5_000_000);
    expect(place.server.files.get(key)?.bytes.byteLength).toBeGreaterThan(10_000_000);
    expect(await place.strays()).toEqual([]);
  });

  it("comes from the hub tools' cache, without a network too", async () => {
    const { files, siglip } = await apart();
    const place = await openWith(files, { others: { [SIGLIP]: siglip } });
    await place.fillToolCache({ repo: SIGLIP });
    expectSame(await pull(place));
    expect(place.server.sent(`${SIGLIP}/model.safetensors`)).toBe(0);
    await place.fillToolCache();
    place.env["HF_HUB_OFFLINE"] = "1";
    const asked = place.server.requests.length;
    const manifest = await pull(place, { visionPrecision: "fp16" });
    expect(manifest.vision?.precision).toBe("fp16");
    expect(place.server.requests.length).toBe(asked);
  });

  it("is kept with a checkpoint that is kept, which then needs nothing else", async () => {
    const { files, siglip } = await apart();
    const place = await openWith(files, { others: { [SIGLIP]: siglip } });
    await pull(place, { keepCheckpoint: true });
    const [kept = ""] = await readdir(place.paths.checkpoints);
    expect(await readdir(join(place.paths.checkpoints, kept))).toContain("vision_tower.safetensors");
    place.env["HF_ENDPOINT"] = "http://127.0.0.1:9";
    expectSame(await pull(place, { quant: "q8_0" }));
  });

  it("comes with the repository of a checkpoint that was kept, and uploaded", async () => {
    const { files, siglip } = await apart();
    const first = await openWith(files, { others: { [SIGLIP]: siglip } });
    await pull(first, { keepCheckpoint: true });
    const [kept = ""] = await readdir(first.paths.checkpoints);
    const second = await openWith(await folderRepository(join(first.paths.checkpoints, kept)));
    expectSame(await pull(second));
    expect(second.notes()).toEqual([
      "the vision tower is not among the weights: it is taken from vision_tower.safetensors",
    ]);
  });

  it("that nobody has is said before the weights come", async () => {
    const { files } = await apart();
    const place = await openWith(files);
    await expect(pull(place)).rejects.toMatchObject({
      code: "model-missing",
      message: expect.stringContaining(`${REPO} does not hold its vision tower, which is ${SIGLIP}`),
    });
    expect(weightsSent(place)).toBeLessThanOrEqual(STEP);
    await using copy = await DemoCopy.create();
    await copy.moveTensors("tower.bin", (name) => (name.startsWith(TOWER_PREFIX) ? name : undefined));
    const { message, hint } = await refused(await openWith(await folderRepository(copy.directory)));
    expect(message).toContain("does not hold the vision tower, and no mm_vision_tower says where to find it");
    expect(hint).toContain("--vision-tower");
  });

  it("of other shapes is refused: without a vision_config it has to be SigLIP so400m/14-384", async () => {
    const { files, siglip } = await apart();
    const config = JSON.parse(Buffer.from(files["config.json"]?.bytes ?? []).toString()) as Record<
      string,
      unknown
    >;
    delete config["vision_config"];
    delete config["mm_hidden_size"];
    files["config.json"] = { bytes: Buffer.from(JSON.stringify(config)), lfs: false };
    const place = await openWith(files, { others: { [SIGLIP]: siglip } });
    await expect(pull(place)).rejects.toMatchObject({
      code: "checkpoint-invalid",
      message: `${REPO}/config.json: the tensors have 5 vision layers, the configuration needs 26`,
    });
  });
});
