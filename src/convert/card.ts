import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onDisk } from "../core/files/disk.ts";
import { CARD_FILE, cropCount, variantOf, type Manifest } from "../core/model/manifest.ts";
import { visionAccuracy } from "../core/model/vision-accuracy.ts";
import { showBytes } from "../core/show-bytes.ts";
import { EXACT_PRECISION, EXACT_QUANT, variantFlags } from "../core/model/variant.ts";
import { isHubLicense } from "./license.ts";

/** A name of the hub: `OWNER/REPO`. */
const REPOSITORY = /^[A-Za-z0-9_][A-Za-z0-9._-]*\/[A-Za-z0-9_][A-Za-z0-9._-]*$/;
/** Words that a shell and a table of Markdown take as they are. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export interface ModelCardOptions {
  readonly manifest: Manifest;
  /** Whether the checkpoint names its licence itself; else it is that of the published weights. */
  readonly licenseStated: boolean;
}

/** Writes the model card that the hub shows: with it, a converted folder can be uploaded as it is. @throws `disk` */
export async function writeModelCard(directory: string, options: ModelCardOptions): Promise<void> {
  const path = join(directory, CARD_FILE);
  await onDisk(path, writeFile(path, modelCard(options), { flush: true }));
}

/** A `README.md` as the Hugging Face hub reads it: metadata as YAML, then Markdown. */
export function modelCard({ manifest, licenseStated }: ModelCardOptions): string {
  const { name, source, license, createdBy } = manifest;
  const repository = source.revision !== null && REPOSITORY.test(source.repo) ? source.repo : undefined;
  const revision = source.revision ?? "";
  const from =
    repository === undefined
      ? `a checkpoint's folder, ${text(source.repo)}`
      : `[${text(repository)}](https://huggingface.co/${repository}/tree/${encodeURIComponent(revision)}) at \`${revision.replaceAll("`", "")}\``;
  const owner = licenseStated
    ? "as the checkpoint states it"
    : "that of FlashSloth's published weights; the checkpoint itself states none";
  const rows = [
    ["made from", from],
    ["licence", `${text(license)}, ${owner}`],
    ["language model", languageRow(manifest)],
    ["vision encoder", visionRow(manifest)],
    ["picture", pictureRow(manifest)],
    ["made by", text(createdBy)],
    ["command", `\`${command(manifest, repository)}\``],
  ];
  return [
    ...metadata(manifest, repository),
    "",
    `# ${text(name)}, converted for flashsloth`,
    "",
    "[FlashSloth](https://arxiv.org/abs/2412.04317), a vision-language model, in the form that",
    "[flashsloth](https://www.npmjs.com/package/flashsloth) runs: its vision encoder and EmbQ as ONNX graphs, its language model as",
    "GGUF. The language model alone answers nothing sensible: it needs the two graphs.",
    "",
    ...table(["", ""], rows),
    "",
    "## Use",
    "",
    "    flashsloth pull hf:OWNER/REPO                                  # where this folder was uploaded to",
    '    flashsloth ask -m hf:OWNER/REPO photo.jpg "What is this?"',
    "",
    "Nothing is converted, and every file is checked against `manifest.json`; other files of the repository are ignored. A copy on a",
    "disk is used in place (`-m DIR`), or taken into the store (`flashsloth pull DIR`).",
    "",
    "## Files",
    "",
    ...table(
      ["file", "size", "sha256"],
      manifest.files.map((file) => [file.name, showBytes(file.size), `\`${file.sha256}\``]),
    ),
    "",
  ].join("\n");
}

/** https://huggingface.co/docs/hub/model-cards#model-card-metadata; a JSON string is a YAML string. */
function metadata({ license, quant }: Manifest, repository: string | undefined): string[] {
  return [
    "---",
    ...(isHubLicense(license)
      ? [`license: ${license}`]
      : ["license: other", `license_name: ${JSON.stringify(license)}`]),
    ...(repository === undefined
      ? []
      : [
          `base_model: ${JSON.stringify(repository)}`,
          ...(quant === EXACT_QUANT ? [] : ["base_model_relation: quantized"]),
        ]),
    "library_name: flashsloth",
    "pipeline_tag: image-text-to-text",
    "tags:",
    ...["flashsloth", "onnx", "gguf", "vision-language"].map((tag) => `  - ${tag}`),
    "---",
  ];
}

function languageRow({ quant, files, roles }: Manifest): string {
  const size = files.find(({ name }) => name === roles.language)?.size ?? 0;
  const exact = quant === EXACT_QUANT ? ", as the checkpoint has it" : "";
  return `${text(quant)}${exact}, ${showBytes(size)}`;
}

function visionRow(manifest: Manifest): string {
  const { precision, featureError, tokenError, mixed } = visionAccuracy(manifest);
  if (precision === EXACT_PRECISION) return `${precision}, exact`;
  const what = mixed
    ? `${precision}, ${mixed.int8} matrices of ${mixed.int8 + mixed.exact.length} in int8 to stay within ${mixed.budget}`
    : precision;
  const pictures = mixed
    ? `the largest on ${mixed.pictures} pictures${mixed.calibration === "given" ? " of its owner's" : ""}`
    : "on a built-in picture";
  return (
    `${text(what)}: the features differ from fp32's by ${featureError.toExponential(1)}, the visual tokens by ` +
    `${tokenError.toExponential(1)} (relative, L2, ${pictures}, measured at the conversion)`
  );
}

function pictureRow({ geometry }: Manifest): string {
  const crops = cropCount(geometry);
  const { imageSize, tokensPerCrop } = geometry;
  return `${crops === 1 ? "1 crop" : `${crops} crops`} of ${imageSize} x ${imageSize}, ${crops * tokensPerCrop} visual tokens`;
}

function command(manifest: Manifest, repository: string | undefined): string {
  const calibrate = visionAccuracy(manifest).mixed?.calibration === "given" ? " --calibrate DIR" : "";
  const flags = `${variantFlags(variantOf(manifest))}${calibrate}`;
  if (repository !== undefined)
    return `flashsloth pull hf:${repository}@${manifest.source.revision ?? ""}${flags}`.replaceAll("`", "");
  const named = PLAIN.test(manifest.name) ? ` --name ${manifest.name}` : "";
  return `flashsloth convert CHECKPOINT-DIR OUT-DIR${named}${flags}`;
}

/** Words from elsewhere as Markdown shows them: on one line, and nothing in them means anything. */
function text(words: string): string {
  return words.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").replaceAll(/[\\`*_{}[\]<>()#!|~]/g, "\\$&");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}
