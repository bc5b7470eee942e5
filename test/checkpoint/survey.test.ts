import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { surveyCheckpoint, type CheckpointSurvey } from "../../src/checkpoint/survey.ts";
import { DiskFolder } from "../../src/core/files/folder-files.ts";
import { DEMO, DemoCopy, float16 } from "./demo-copy.ts";

const TOWER = "model.vision_tower.vision_tower.";

/** A survey, closed at once: it is only looked at. */
async function survey(directory: string): Promise<CheckpointSurvey> {
  const found = await surveyCheckpoint({ files: new DiskFolder(directory) });
  await found.close();
  return found;
}

const problemsIn = async (directory: string): Promise<string[]> =>
  (await survey(directory)).problems.map(({ message }) => message.replace(`${directory}/`, ""));

const withoutPrefix = (name: string): string | undefined =>
  name.startsWith(TOWER) ? name.slice(TOWER.length) : undefined;

describe("a survey of a checkpoint", () => {
  it("finds nothing to say about the demo", async () => {
    const { problems, remarks, match, tower } = await survey(DEMO);
    expect({ problems, remarks, tower }).toEqual({ problems: [], remarks: [], tower: undefined });
    expect(match?.tensors.size).toBeGreaterThan(100);
    expect([match?.missing, match?.unused, match?.unknown]).toEqual([[], [], []]);
  });

  it("names every problem, not only the first", async () => {
    await using copy = await DemoCopy.create();
    await copy.editTensors((header) => {
      delete header["lm_head.bias"];
      header["lm_head.weight"] = float16(3, 3);
      header["model.mm_projector.0.bias"] = { ...float16(128), dtype: "I64" };
    });
    await rm(copy.path("merges.txt"));
    const problems = await problemsIn(copy.directory);
    expect(problems).toHaveLength(4);
    expect(problems.join("\n")).toMatch(/merges\.txt[^]*lm_head\.bias[^]*\[3, 3\][^]*is I64/);
    await writeFile(copy.path("config.json"), "{");
    await rm(copy.path("model.safetensors"));
    expect(await problemsIn(copy.directory)).toEqual([
      "config.json: not JSON",
      expect.stringContaining("merges.txt is missing"),
      expect.stringContaining("holds neither model.safetensors nor model.safetensors.index.json"),
    ]);
  });

  it("passes over what config.json says beside what it knows, and takes null for silence", async () => {
    await using copy = await DemoCopy.create();
    const before = await survey(copy.directory);
    for (const type of ["float16", "bfloat16", "float32", "auto", null, 16, { vision: "float16" }]) {
      await copy.editJson("config.json", (config) => {
        Object.assign(config, {
          torch_dtype: type,
          dtype: type,
          model_type: "phi",
          auto_map: { AutoConfig: "code.py" },
          rope_scaling: null,
          rope_theta: null,
          hidden_act: null,
          num_key_value_heads: null,
          mm_projector_type: null,
          mm_projector_lr: null,
          mm_vision_tower: 7,
          quantization_config: { load_in_4bit: true },
          image_token_index: 50_297,
        });
      });
      const after = await survey(copy.directory);
      expect(after.problems).toEqual([]);
      expect(after.resolved).toEqual(before.resolved);
    }
  });

  it("says so when pictures were padded in training", async () => {
    await using copy = await DemoCopy.create();
    await copy.editJson("config.json", (config) => (config["image_aspect_ratio"] = "pad"));
    expect((await survey(copy.directory)).remarks).toEqual([expect.stringContaining("squashed")]);
  });
});

describe("an output that is tied to the embeddings", () => {
  const DATA = 576 * 128 * 2;

  it.each([
    ["lm_head.weight", "model.embed_tokens.weight", "ties the output to the token embeddings"],
    ["model.embed_tokens.weight", "lm_head.weight", "the output, which alone is there"],
  ])("may lack %s", async (lacking, other, remark) => {
    await using copy = await DemoCopy.create();
    await copy.moveTensors("away.bin", (name) => (name === lacking ? name : undefined));
    expect(await problemsIn(copy.directory)).toEqual([
      expect.stringContaining(`tensor ${lacking} is missing`),
    ]);
    await copy.editJson("config.json", (config) => (config["tie_word_embeddings"] = true));
    const checkpoint = await openCheckpoint({ directory: copy.directory });
    expect(checkpoint.remarks).toEqual([expect.stringContaining(remark)]);
    const bytes = await checkpoint.readBytes(lacking);
    expect(bytes).toHaveLength(DATA);
    expect(Buffer.compare(bytes, await checkpoint.readBytes(other))).toBe(0);
    await checkpoint.close();
  });

  it("is the embeddings even if another one is there, as transformers has it", async () => {
    await using copy = await DemoCopy.create();
    await copy.editJson("config.json", (config) => (config["tie_word_embeddings"] = true));
    const checkpoint = await openCheckpoint({ directory: copy.directory });
    expect(checkpoint.remarks).toEqual([expect.stringContaining("lm_head.weight that is there is left out")]);
    const embeddings = await checkpoint.readBytes("model.embed_tokens.weight");
    expect(Buffer.compare(await checkpoint.readBytes("lm_head.weight"), embeddings)).toBe(0);
    await checkpoint.close();
  });
});

describe("a vision tower that the weights lack", () => {
  it("is that of vision_tower.safetensors, of a folder, or of a file, by SigLIP's names", async () => {
    const whole = await openCheckpoint({ directory: DEMO });
    await using copy = await DemoCopy.create();
    await copy.moveTensors("vision_tower.safetensors", withoutPrefix);
    const elsewhere = join(copy.directory, "siglip");
    const from = ["beside", "folder", "file"] as const;
    for (const where of from) {
      if (where === "folder") {
        await mkdir(elsewhere);
        await rename(copy.path("vision_tower.safetensors"), join(elsewhere, "model.safetensors"));
        expect(await problemsIn(copy.directory)).toEqual([
          expect.stringContaining(
            "does not hold the vision tower, and no mm_vision_tower says where to find it",
          ),
        ]);
      }
      const visionTower = {
        beside: undefined,
        folder: elsewhere,
        file: join(elsewhere, "model.safetensors"),
      }[where];
      const checkpoint = await openCheckpoint({ directory: copy.directory, visionTower });
      expect(checkpoint.towerFrom).toBe(visionTower ?? "vision_tower.safetensors");
      expect(checkpoint.config).toEqual(whole.config);
      expect([...checkpoint.tensors.values()]).toEqual([...whole.tensors.values()]);
      for (const name of whole.tensors.keys()) {
        if (!name.startsWith(TOWER)) continue;
        const bytes = await checkpoint.readBytes(name);
        expect(Buffer.compare(bytes, await whole.readBytes(name)), name).toBe(0);
      }
      await checkpoint.close();
    }
    await whole.close();
  });

  it("is cut where the features are taken, and whatever else is in its repository is passed over", async () => {
    await using copy = await DemoCopy.create();
    await copy.moveTensors("vision_tower.safetensors", withoutPrefix);
    await rename(copy.path("vision_tower.safetensors"), copy.path("model.tmp"));
    // a whole SigLIP: one block more than is used, its own head, the text half, and a scale
    await rename(copy.path("model.safetensors"), copy.path("kept.tmp"));
    await rename(copy.path("model.tmp"), copy.path("model.safetensors"));
    await copy.editTensors((header) => {
      for (const [name, entry] of Object.entries(header)) {
        if (!name.startsWith("vision_model.encoder.layers.3.")) continue;
        header[name.replace("layers.3.", "layers.4.")] = { ...entry };
      }
      header["vision_model.post_layernorm.weight"] = float16(96);
      header["vision_model.head.probe"] = float16(1, 1, 96);
      header["text_model.embeddings.token_embedding.weight"] = float16(100, 96);
      header["logit_scale"] = { ...float16(1), dtype: "F32" };
    });
    await rename(copy.path("model.safetensors"), copy.path("vision_tower.safetensors"));
    await rename(copy.path("kept.tmp"), copy.path("model.safetensors"));
    await copy.editJson("config.json", (config) => {
      Object.assign(config["vision_config"] as object, { num_hidden_layers: 5 });
    });
    const found = await survey(copy.directory);
    expect(found.problems).toEqual([]);
    expect(found.resolved?.config.vision.layers).toBe(4);
    expect(found.match?.unknown).toEqual([]);
    expect(found.remarks).toEqual([expect.stringContaining("it is taken from vision_tower.safetensors")]);
  });

  it("is refused when it has other shapes, and so is one that is there in part", async () => {
    await using copy = await DemoCopy.create();
    await copy.moveTensors("vision_tower.safetensors", withoutPrefix);
    await copy.editJson("config.json", (config) => {
      delete config["vision_config"];
      config["mm_vision_tower"] = "checkpoints/base/siglip-so400m-patch14-384";
    });
    // no vision_config: the published tower, which the demo's is not
    const problems = await problemsIn(copy.directory);
    expect(problems).toEqual(["config.json: mm_hidden_size 96 differs from the vision tower's width 1152"]);
    await copy.editJson("config.json", (config) => delete config["mm_hidden_size"]);
    expect(await problemsIn(copy.directory)).toEqual([
      "config.json: the tensors have 4 vision layers, the configuration needs 26",
    ]);

    await using part = await DemoCopy.create();
    await part.moveTensors("vision_tower.safetensors", (name) =>
      name.includes("layers.1.mlp") ? withoutPrefix(name) : undefined,
    );
    expect(await problemsIn(part.directory)).toEqual([
      expect.stringMatching(/layers\.1\.mlp\.fc1\.weight and 3 more are missing/),
    ]);
  });
});
