import type { BenchStages } from "../../pipeline/stages.ts";

/** The stages as an aligned table of two columns, a line each, with a newline after the last. */
export function stageTable(title: string, stages: BenchStages): string {
  const { before, after } = stages.image_tokens;
  const rate = stages.decode_tokens_per_second;
  const rows: [string, string][] = [
    ["image", milliseconds(stages.image_ms)],
    ["vision", milliseconds(stages.vision_ms)],
    ["prefill", `${milliseconds(stages.prefill_ms)} (EmbQ ${milliseconds(stages.embq_ms)})`],
    ["first token", milliseconds(stages.first_token_ms)],
    ["decode", rate === null ? "no token after the first" : `${rate.toFixed(1)} tokens/s`],
    ["total", milliseconds(stages.total_ms)],
    ["image tokens", `${before} -> ${after} (${compression(before, after)})`],
    ["peak memory", mebibytes(stages.peak_memory_bytes)],
    ["device", `vision ${stages.device.vision}, language ${stages.device.language}`],
    ["threads", String(stages.threads)],
    ["at once", String(stages.parallel)],
    ["kept", kept(stages)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return `${[title, ...lines].join("\n")}\n`;
}

function milliseconds(ms: number): string {
  return ms >= 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(1)} ms`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function compression(before: number, after: number): string {
  return after > 0 ? `${(before / after).toFixed(1)} to 1` : "nothing left";
}

function kept({ cached, reused_positions: positions }: BenchStages): string {
  return `${cached ? "the picture's features, " : ""}${positions} positions of the prompt`;
}
