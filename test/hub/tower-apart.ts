import { readFile, writeFile } from "node:fs/promises";
import { TOWER_PREFIX } from "../../src/checkpoint/names.ts";
import { DemoCopy, float16 } from "../checkpoint/demo-copy.ts";
import { folderRepository } from "./checkpoint-files.ts";
import type { ServedFile } from "./server.ts";

/** The repository that the published models' vision tower is from. */
export const SIGLIP = "google/siglip-so400m-patch14-384";

export interface Apart {
  readonly files: Record<string, ServedFile>;
  readonly siglip: Record<string, ServedFile>;
  /** bytes of the tower */
  readonly tower: number;
}

/** The demo without its vision tower, and a repository of SigLIP with it, many times as large as what is needed of it. */
export async function apart(): Promise<Apart> {
  await using copy = await DemoCopy.create();
  await copy.editJson("config.json", (config) => {
    config["mm_vision_tower"] = "checkpoints/base/siglip-so400m-patch14-384";
    Object.assign(config["vision_config"] as object, { num_hidden_layers: 5 });
  });
  await copy.moveTensors("tower.safetensors", (name) =>
    name.startsWith(TOWER_PREFIX) ? name.slice(TOWER_PREFIX.length) : undefined,
  );
  const tower = (await readFile(copy.path("tower.safetensors"))).byteLength;
  const files = await folderRepository(copy.directory);
  const { "tower.safetensors": moved } = files;
  delete files["tower.safetensors"];
  await using other = await DemoCopy.create();
  await writeFile(other.path("model.safetensors"), moved?.bytes ?? []);
  await other.editTensors((header) => {
    for (const [name, entry] of Object.entries(header)) {
      if (name.startsWith("vision_model.encoder.layers.3."))
        header[name.replace("layers.3.", "layers.4.")] = { ...entry };
    }
    header["text_model.embeddings.token_embedding.weight"] = float16(5_000_000, 1);
    header["logit_bias"] = { ...float16(1), dtype: "F32" };
  });
  const { "model.safetensors": siglip } = await folderRepository(other.directory);
  const card = { bytes: Buffer.from("# SigLIP\n"), lfs: false };
  return { files, siglip: { "README.md": card, "model.safetensors": siglip ?? card }, tower };
}
