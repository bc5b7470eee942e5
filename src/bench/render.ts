import { csvTable } from "./csv.ts";
import { environmentLines, inline, mebibytes, milliseconds } from "./markdown.ts";
import type { BenchReport, StageRow } from "./report.ts";

/** The report as GitHub's Markdown, to be pasted into an issue or a README. Ends with a newline. */
export function benchMarkdown(report: BenchReport): string {
  const { model, device, tokens, memory, matrix_peak: peak } = report;
  const size = report.picture.size === null ? "" : `, ${report.picture.size}`;
  const lines = [
    `**${model.name}**, ${model.quant}, ${model.vision_precision} vision, ${report.compressed ? "compressed" : "NOT compressed"}, ${report.mode}: ` +
      `median and p95 of ${report.repeat} after ${report.warmup} to warm up`,
    "",
    "| stage | median | p95 | GFLOP | GFLOP/s | of peak |",
    "|---|---:|---:|---:|---:|---:|",
    ...report.stages.map(stageLine),
    "",
    `- picture: ${inline(report.picture.name)}${size}; question: ${inline(report.question)}`,
    `- image tokens: ${tokens.image_before} -> ${tokens.image_after}; prompt: ${promptLine(tokens)}; answer: ${tokens.answer} tokens`,
  ];
  const rate = report.decode_tokens_per_second;
  if (rate !== null) lines.push(`- decode: ${rate.toFixed(1)} tokens/s`);
  if (peak !== null) {
    lines.push(
      `- peak: ${peak.best.toFixed(0)} GFLOP/s (median ${peak.median.toFixed(0)}, ${peak.runs} runs), ` +
        "float32 matrix products of one encoder block in onnxruntime, nothing else",
    );
  }
  lines.push(`- memory: ${memoryLine(memory)}`);
  lines.push(`- device: vision ${device.vision}, language ${device.language}; threads: ${report.threads}`);
  lines.push(...environmentLines(report));
  for (const note of report.notes) lines.push(`- note: ${note}`);
  return `${lines.join("\n")}\n`;
}

function promptLine({ prompt, prompt_kept: kept }: BenchReport["tokens"]): string {
  if (kept === null || kept === 0) return `${prompt} positions`;
  return `${prompt} positions, of which ${kept}, the same for every picture, were kept`;
}

function stageLine(row: StageRow): string {
  const stage = row.stage.replaceAll("_", " ");
  const name = row.component === null ? stage : `${stage}: ${row.component}`;
  const share = row.of_peak === null ? "" : `${(100 * row.of_peak).toFixed(0)} %`;
  const cells = [name, milliseconds(row.median_ms), row.samples > 1 ? milliseconds(row.p95_ms) : ""];
  return `| ${[...cells, figure(row.gflop), figure(row.gflops), share].join(" | ")} |`;
}

function figure(value: number | null): string {
  if (value === null) return "";
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(2);
}

function memoryLine({ peak_bytes: peak, peak_anonymous_bytes: anonymous }: BenchReport["memory"]): string {
  const whole = `${mebibytes(peak)} at the peak`;
  return anonymous === null ? whole : `${whole}, ${mebibytes(anonymous)} of it not backed by files (sampled)`;
}

const COLUMNS = [
  "stage",
  "component",
  "median_ms",
  "p95_ms",
  "samples",
  "gflop",
  "gflops",
  "of_peak",
] as const satisfies readonly (keyof StageRow)[];

/** The stages as RFC 4180 CSV with a header line. Ends with a line break. */
export function benchCsv(report: BenchReport): string {
  return csvTable(COLUMNS, report.stages);
}

/** The report as one line of JSON. Ends with a newline. */
export function benchJson(report: BenchReport): string {
  return `${JSON.stringify(report)}\n`;
}
