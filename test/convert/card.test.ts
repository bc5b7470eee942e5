import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelCard } from "../../src/convert/card.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { statedLicense } from "../../src/convert/license.ts";
import { DiskFolder } from "../../src/core/files/folder-files.ts";
import type { Manifest } from "../../src/core/model/manifest.ts";
import { DemoCopy } from "../checkpoint/demo-copy.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-card-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The lines of a card's metadata. Strict: what is not `key: value`, a list's item or a fence is no metadata of ours. */
function metadataOf(card: string): Record<string, string | string[]> {
  const [fence, ...lines] = card.split("\n");
  expect(fence).toBe("---");
  const end = lines.indexOf("---");
  const metadata: Record<string, string | string[]> = {};
  let list: string[] = [];
  for (const line of lines.slice(0, end)) {
    const item = /^ {2}- ([a-z-]+)$/.exec(line)?.[1];
    const [, key = "", value = ""] = /^([a-z_]+):(?: (\S.*))?$/.exec(line) ?? [];
    if (item !== undefined) list.push(item);
    else if (value === "") metadata[key] = list = [];
    else metadata[key] = value.startsWith('"') ? (JSON.parse(value) as string) : value;
    expect(item ?? key, line).not.toBe("");
  }
  return metadata;
}

const SOURCE = { repo: "Tongbo/FlashSloth-3.2B", revision: "b".repeat(40) };

describe("the model card of a conversion", () => {
  it("says what it is, from where, under what licence, how exact, and by which command", async () => {
    await using copy = await DemoCopy.create();
    await writeFile(copy.path("README.md"), "---\nlicense: MIT # as it was\nbase_model: x/y\n---\n# Mine\n");
    const out = join(folder, "int8");
    const options = { checkpoint: copy.directory, out, name: "sloth", source: SOURCE } as const;
    const manifest = await convertCheckpoint({ ...options, quant: "q8_0", visionPrecision: "int8" });
    expect(manifest.license).toBe("mit");
    const card = await readFile(join(out, "README.md"), "utf8");
    expect(metadataOf(card)).toEqual({
      license: "mit",
      base_model: SOURCE.repo,
      base_model_relation: "quantized",
      library_name: "flashsloth",
      pipeline_tag: "image-text-to-text",
      tags: ["flashsloth", "onnx", "gguf", "vision-language"],
    });
    const error = manifest.vision?.featureError.toExponential(1) ?? "";
    expect(error).toMatch(/^\d\.\de-[123]$/);
    for (const text of [
      `[Tongbo/FlashSloth-3.2B](https://huggingface.co/Tongbo/FlashSloth-3.2B/tree/${SOURCE.revision})`,
      "mit, as the checkpoint states it",
      "| language model | q8\\_0, 1.32 MB |",
      `int8: the features differ from fp32's by ${error}`,
      "1 crop of 126 x 126, 9 visual tokens",
      `\`flashsloth pull hf:${SOURCE.repo}@${SOURCE.revision} --quant q8_0 --vision-precision int8\``,
      manifest.files[0]?.sha256 ?? "",
    ]) {
      expect(card).toContain(text);
    }
    // its own files may be replaced, with the card that somebody has edited
    await writeFile(join(out, "README.md"), `${card}\nEdited.\n`);
    await convertCheckpoint({ ...options, overwrite: true });
    expect(await readFile(join(out, "README.md"), "utf8")).toContain("fp32, exact");
  });

  it("tells nobody the path of a folder that it was made from, and names no base that the hub does not have", async () => {
    await using copy = await DemoCopy.create();
    const out = join(folder, "local");
    await convertCheckpoint({ checkpoint: copy.directory, out, name: "my sloth" });
    const card = await readFile(join(out, "README.md"), "utf8");
    expect(card).not.toContain(tmpdir());
    expect(Object.keys(metadataOf(card))).toEqual(["license", "library_name", "pipeline_tag", "tags"]);
    expect(card).toContain("`flashsloth convert CHECKPOINT-DIR OUT-DIR --quant f16`");
    expect(card).toContain("that of FlashSloth's published weights; the checkpoint itself states none");
  });

  it("keeps words from elsewhere from meaning anything", async () => {
    const manifest: Manifest = {
      format: 1,
      name: "# x\n---\nlicense: gpl-3.0 | <script>`",
      source: { repo: "../../a`b\u001b[2J\n|", revision: "`; rm -rf ~; `" },
      license: 'odd "licence"\nlicense: mit',
      createdBy: "me",
      quant: "q4_k_m",
      geometry: {
        imageSize: 384,
        crops: "tiles",
        featuresPerCrop: 729,
        featureWidth: 1152,
        tokensPerCrop: 81,
        hiddenSize: 2560,
        layers: 32,
        vocabSize: 51_200,
        contextLength: 2048,
        queries: 9,
        embqLayer: 7,
        endTokens: [],
      },
      roles: { vision: "v", embq: "e", language: "l", queries: "q" },
      embeddings: { offset: 0 },
      files: [],
    };
    const card = modelCard({ manifest, licenseStated: true });
    expect(metadataOf(card)).toMatchObject({ license: "other", license_name: manifest.license });
    expect(card.split("\n").filter((line) => line === "---")).toHaveLength(2);
    expect(card).not.toMatch(/(?<!\\)<script|[^\P{Cc}\n]|^# x$/mu);
    // every row of the table has its two cells
    for (const row of card.split("\n").filter((line) => line.startsWith("| ") && !line.includes("---"))) {
      expect(row.replaceAll("\\|", "").split("|").length, row).toBeLessThanOrEqual(5);
    }
    expect(card).toContain("5 crops of 384 x 384, 405 visual tokens");

    const mixed = {
      budget: 0.01,
      pictures: 4,
      calibration: "given",
      int8: 2,
      exact: ["a"],
      apartInputs: 0,
    } as const;
    const vision = { precision: "mixed", featureError: 0.008, tokenError: 0.007, mixed } as const;
    const given = modelCard({ manifest: { ...manifest, vision }, licenseStated: true });
    expect(given).toContain(
      "mixed, 2 matrices of 3 in int8 to stay within 0.01: the features differ from fp32's by 8.0e-3",
    );
    expect(given).toContain("the largest on 4 pictures of its owner's");
    expect(given).toContain("--vision-precision mixed --vision-budget 0.01 --calibrate DIR`");
  });
});

describe("the licence that a checkpoint states", () => {
  it.each([
    ["---\nlicense: apache-2.0\n---\n", "apache-2.0"],
    ['---\r\ntags:\r\n- a\r\nlicense: "CC-BY-NC-4.0"\r\n---\r\ntext', "cc-by-nc-4.0"],
    ["license: mit\n", undefined],
    ["---\ntitle: a\n---\nlicense: mit\n", undefined],
    ["---\nlicense: [mit]\n---\n", undefined],
    [`---\nlicense: ${"x".repeat(100)}\n---\n`, undefined],
    ["---\nlicense: mit\n", undefined],
  ])("%j is %s", async (card, license) => {
    await writeFile(join(folder, "README.md"), card);
    expect(await statedLicense(new DiskFolder(folder))).toBe(license);
  });
});
