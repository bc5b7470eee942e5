import { showBytes } from "../core/show-bytes.ts";
import { showShape } from "../core/model/shape.ts";
import { showVariant } from "../core/model/variant.ts";
import type { Inspection, ListedTensor } from "../store/inspection.ts";

/** How many names of tensors are listed before the rest is counted; `--json` has all. */
const LISTED = 12;

/** What was found, for people: a verdict, the parts, what is odd, and what a pull would take. */
export function inspectionTable(found: Inspection): string[] {
  return [
    verdict(found),
    ...aligned(geometryRows(found)),
    ...section("tensors", aligned(partRows(found))),
    ...section("left out: no part of a FlashSloth", tensorLines(found.unknown)),
    ...section("never read", tensorLines(found.unused)),
    ...section("missing", clipped(found.missing)),
    ...section("notes", found.remarks),
    ...section("problems", found.problems),
    ...section("what it takes", takesLines(found)),
  ];
}

function verdict({ where, revision, kind, usable }: Inspection): string {
  const at = revision === null ? "" : ` at ${revision.slice(0, 12)}`;
  const what =
    kind === "converted"
      ? usable
        ? "a converted model, used as it is"
        : "a converted model that cannot be used"
      : usable
        ? "a FlashSloth checkpoint that converts"
        : "nothing that converts";
  return `${where}${at}: ${what}`;
}

function geometryRows({ geometry, tokenizer, weights, visionTower }: Inspection): string[][] {
  const rows: string[][] = [];
  if (geometry !== undefined) {
    const { layers, hiddenSize, vocabSize, contextLength, crops, imageSize, layerSizes } = geometry;
    const blocks = layerSizes === undefined ? "" : `${layerSizes.visionLayers} blocks of `;
    const pictures = crops === "tiles" ? 5 : 1;
    rows.push(
      ["language", `${layers} layers of ${hiddenSize}, ${vocabSize} tokens, context ${contextLength}`],
      ["vision", `${blocks}${geometry.featureWidth}, ${imageSize} x ${imageSize} pixels`],
      [
        "picture",
        `${pictures === 1 ? "1 crop" : `${pictures} crops`}, ${pictures * geometry.tokensPerCrop} visual tokens, ` +
          `${geometry.queries} queries before layer ${geometry.embqLayer}`,
      ],
    );
  }
  if (visionTower !== undefined) rows.push(["vision tower", `from ${visionTower}`]);
  if (tokenizer !== undefined) {
    const { files, tokens, merges, added } = tokenizer;
    rows.push(["tokenizer", `${tokens} tokens, ${merges} merges, ${added} added (${files.join(", ")})`]);
  }
  for (const [index, { name, size, tensors }] of weights.entries()) {
    rows.push([index === 0 ? "weights" : "", `${name}, ${showBytes(size)}, ${tensors} tensors`]);
  }
  return rows;
}

function partRows({ parts }: Inspection): string[][] {
  return parts.map(({ part, tensors, bytes, types }) => [
    part,
    String(tensors).padStart(5),
    showBytes(bytes).padStart(8),
    Object.entries(types)
      .map(([type, count]) => (count === tensors ? type : `${type} ${count}`))
      .join(", "),
  ]);
}

function takesLines({ takes }: Inspection): string[] {
  if (takes === undefined) return [];
  const { fetch, convert, size } = takes;
  const parts = [
    ...(fetch > 0 ? [`${showBytes(fetch)} to fetch`] : []),
    ...(convert > 0 ? [`${showBytes(convert)} more at the peak of the conversion`] : []),
    `${showBytes(size)} in the end`,
  ];
  return [`${parts.join(", ")} (${showVariant(takes)})`];
}

function tensorLines(tensors: readonly ListedTensor[]): string[] {
  return clipped(tensors.map(({ name, dtype, shape }) => `${name}  ${dtype} ${showShape(shape)}`));
}

function clipped(lines: readonly string[]): string[] {
  if (lines.length <= LISTED) return [...lines];
  return [...lines.slice(0, LISTED), `… and ${lines.length - LISTED} more`];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
