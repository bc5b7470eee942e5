import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseConfigFile } from "../../src/checkpoint/config-file.ts";
import { resolveConfig } from "../../src/checkpoint/config.ts";
import { expectedTensors } from "../../src/checkpoint/tensors.ts";
import { readTokenizer } from "../../src/checkpoint/tokenizer.ts";
import { DiskFolder } from "../../src/core/files/folder-files.ts";
import { elementCount } from "../../src/core/model/shape.ts";
import { showBytes } from "../../src/core/show-bytes.ts";
import { publishedConfig, publishedTokenizer, pythonJson } from "../hub/published-forms.ts";
import { PARITY_FIXTURES } from "../synthetic/parity.ts";
import { checkpointShapes, PUBLISHED_SIZES } from "../synthetic/shapes.ts";

/** What the hub's page of Tongbo/FlashSloth-3.2B lists. */
const LISTED = {
  "added_tokens.json": "1.12 kB",
  "config.json": "1.27 kB",
  "generation_config.json": "119 B",
  "merges.txt": "456 kB",
  "special_tokens_map.json": "520 B",
  "tokenizer_config.json": "7.84 kB",
  "vocab.json": "999 kB",
};

it("the tensors that we expect make an index and shards of the published sizes", () => {
  const shapes = checkpointShapes(PUBLISHED_SIZES, false);
  const file = parseConfigFile(publishedConfig(false), "config.json");
  const { config } = resolveConfig({ file, shapes, where: "config.json" });
  const expected = expectedTensors(config);
  const bytes = [...expected.values()].reduce((sum, shape) => sum + 2 * elementCount(shape), 0);
  const shard = "model-00001-of-00002.safetensors";
  const index = pythonJson({
    metadata: { total_size: bytes },
    weight_map: Object.fromEntries([...expected.keys()].map((name) => [name, shard])),
  });
  // a line of the index has about 100 bytes: one tensor more, or one less, and the page would say something else
  expect(showBytes(Buffer.byteLength(index))).toBe("90.9 kB");
  expect(expected.size).toBe(905);
  // 5 GB and 1.4 GB: the rest of the second shard
  expect(bytes - 5e9).toBeLessThan(1.405e9);
  expect(bytes - 4.995e9).toBeGreaterThan(1.395e9);
});

it("the published tokenizer in its own files has the sizes that the hub lists, and is the one of the goldens", async () => {
  const golden = join(PARITY_FIXTURES, "tokenizer");
  const files = { ...(await publishedTokenizer(golden)), "config.json": pythonJson(publishedConfig(false)) };
  const directory = await mkdtemp(join(tmpdir(), "flashsloth-published-"));
  try {
    const sizes = Object.entries(files).map(([name, text]) => [name, showBytes(Buffer.byteLength(text))]);
    expect(Object.fromEntries(sizes)).toEqual(LISTED);
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    const published = await readTokenizer({ files: new DiskFolder(directory), vocabSize: 51_200 });
    const ours = await readTokenizer({ files: new DiskFolder(golden), vocabSize: 51_200 });
    expect(published.tokenizer).toEqual(ours.tokenizer);
    expect([published.remarks, published.files]).toEqual([
      [],
      ["vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json"],
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
