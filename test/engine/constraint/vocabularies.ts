import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpoint } from "../../../src/checkpoint/open.ts";
import { writeLanguage } from "../../../src/convert/language/write.ts";
import { loadLlama } from "../../../src/language/ffi/library.ts";
import { NativeModel } from "../../../src/language/ffi/model.ts";
import { memoryCheckpoint, publishedTokenizer } from "../../convert/language/memoryCheckpoint.ts";
import { DEMO_CHECKPOINT } from "../../demo/demo-model.ts";

export interface Vocabulary {
  readonly model: NativeModel;
  readonly remove: () => Promise<void>;
}

/** A model with the demo's vocabulary of 576 tokens, or a tiny one with the published vocabulary of 51,200. */
export async function loadVocabulary(size: "small" | "full"): Promise<Vocabulary> {
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-vocabulary-"));
  const path = join(folder, "language.gguf");
  const checkpoint =
    size === "small"
      ? await openCheckpoint({ directory: DEMO_CHECKPOINT })
      : memoryCheckpoint({ tokenizer: await publishedTokenizer() });
  const model = { name: size, license: "apache-2.0", source: { repo: "test", revision: null } };
  await writeLanguage({ checkpoint, path, model });
  await checkpoint.close();
  const native = await NativeModel.load({ library: await loadLlama("cpu"), path });
  return {
    model: native,
    remove: async () => {
      native.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
