import type { Comparison, VariantRow } from "./comparison.ts";
import { csvTable } from "./csv.ts";
import { environmentLines, inline, milliseconds } from "./markdown.ts";

/** The comparison as GitHub's Markdown. Ends with a line break. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { picture, question, tokens, device } = comparison;
  const { prompt, prompt_kept: kept, answer } = tokens;
  const lines = [
    `medians of ${comparison.repeat}, in turn, each loaded anew and ${comparison.warmup} to warm up; behind a time, what part it is of the first line's`,
    "",
    "| variant | on disk | language | feature error | vision | prefill | tokens/s | a token | first token |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ...comparison.variants.map(variantLine),
    "",
    `- picture: ${inline(picture.name)}, ${picture.size}; question: ${inline(question)}`,
    `- prompt: ${prompt} positions, of which ${kept} were kept; answer: ${answer} tokens; tokens/s: of the prefill`,
    `- device: vision ${device.vision}, language ${device.language}; threads: ${comparison.threads}`,
    ...environmentLines(comparison),
    ...comparison.notes.map((note) => `- note: ${note}`),
  ];
  return `${lines.join("\n")}\n`;
}

function variantLine(row: VariantRow): string {
  const budget = row.vision_budget === null ? "" : ` within ${row.vision_budget}`;
  const cells = [
    `${row.model} ${row.quant}, ${row.vision_precision} vision${budget}`,
    gigabytes(row.disk_bytes),
    gigabytes(row.language_bytes),
    row.feature_error === 0 ? "0" : row.feature_error.toPrecision(2),
    time(row.vision_ms, row.vision_of_first),
    time(row.prefill_ms, row.prefill_of_first),
    row.prefill_tokens_per_second.toFixed(1),
    time(row.token_ms, row.token_of_first),
    time(row.time_to_first_token_ms, row.time_to_first_token_of_first),
  ];
  return `| ${cells.join(" | ")} |`;
}

function time(ms: number | null, ofFirst: number | null): string {
  if (ms === null) return "";
  return ofFirst === null ? milliseconds(ms) : `${milliseconds(ms)} (${ofFirst.toFixed(2)})`;
}

function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const COLUMNS = [
  "model",
  "quant",
  "vision_precision",
  "vision_budget",
  "feature_error",
  "disk_bytes",
  "language_bytes",
  "load_ms",
  "vision_ms",
  "prefill_ms",
  "prefill_tokens_per_second",
  "token_ms",
  "time_to_first_token_ms",
  "vision_of_first",
  "prefill_of_first",
  "token_of_first",
  "time_to_first_token_of_first",
] as const satisfies readonly (keyof VariantRow)[];

/** The variants as RFC 4180 CSV with a header line. Ends with a line break. */
export function comparisonCsv(comparison: Comparison): string {
  return csvTable(COLUMNS, comparison.variants);
}

/** The comparison as one line of JSON. Ends with a line break. */
export function comparisonJson(comparison: Comparison): string {
  return `${JSON.stringify(comparison)}\n`;
}
