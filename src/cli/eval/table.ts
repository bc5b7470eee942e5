import { visible } from "../../core/visible.ts";
import type { EvalReport, ReportedScore } from "../../eval/report.ts";
import type { Metric } from "../../eval/task.ts";

/** A report as a table of names and values, without a newline at its end. */
export function evalTable(report: EvalReport): string {
  const { score, details = [], paper, samples, unreadable } = report;
  const { asked, answered, failed, missing, left_out: leftOut = 0 } = samples;
  const lacking = [
    failed > 0 ? `${failed} failed` : "",
    missing > 0 ? `${missing} without an answer` : "",
    leftOut > 0 ? `${leftOut} more left out` : "",
  ];
  const rows: [string, string | undefined][] = [
    ["benchmark", [report.task, report.protocol].filter((part) => part !== undefined).join(", protocol ")],
    ["split", partOf(report)],
    ["samples", [`${answered} of ${asked} answered`, ...lacking.filter((part) => part !== "")].join(", ")],
    ["unreadable", unreadable && `${unreadable.answers} (${figure(100 * unreadable.share)} %)`],
    ["suffix", suffixOf(report)],
    ["OCR in the prompt", report.ocr ? "yes" : "no"],
    ["longest answer", `${report.max_tokens} tokens`],
    ["model", report.model ?? "not known"],
    ["revision", report.revision ?? "not known"],
    ["weights", report.quant ?? "not known"],
    ["vision", report.vision_precision ?? "not known"],
    ["EmbQ", embqOf(report)],
    ["answers", report.answers],
    ["the same", report.handover && `${report.handover.path}, for ${report.handover.to}`],
    ...(score === undefined ? [["score", "none"] as [string, string]] : scoreRows(score, details)),
    ["the paper", paper && `FlashSloth ${paper.flashsloth}, FlashSloth HD ${paper.flashslothHd}`],
  ];
  const shown = rows.filter((row): row is [string, string] => row[1] !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  const lines = shown.map(([name, value]) => `${visible(name).padEnd(width)}  ${visible(value)}`);
  return [...lines, ...report.remarks.map((remark) => `- ${visible(remark)}`)].join("\n");
}

function suffixOf({ prompt_suffix: suffix }: EvalReport): string {
  if (suffix === "") return "none";
  return typeof suffix === "string"
    ? JSON.stringify(suffix)
    : suffix.map((each) => JSON.stringify(each)).join(" or ");
}

function embqOf({ embq }: EvalReport): string {
  if (embq === undefined) return "not known";
  if (embq === "both") return "with and without";
  return embq ? "yes" : "left out";
}

function partOf({ split, limit, shard }: EvalReport): string {
  const parts = [limit === undefined ? "" : `the first ${limit}`, shard === undefined ? "" : `part ${shard}`];
  const named = parts.filter((part) => part !== "");
  return named.length === 0 ? split : `${split} (${named.join(", ")})`;
}

function scoreRows(score: ReportedScore, details: readonly Metric[]): [string, string][] {
  const { name, value, unit, interval } = score;
  const { low, high, level, resamples } = interval;
  const spread = `${figure(low)} to ${figure(high)} in ${100 * level} % of ${resamples} resamplings`;
  return [
    [name, `${figure(value)}${unit === "%" ? " %" : ""}  (${spread})`],
    ...details.map((each): [string, string] => [
      each.name,
      `${figure(each.value)}${unit === "%" ? " %" : ""}${each.samples === undefined ? "" : ` of ${each.samples}`}`,
    ]),
  ];
}

function figure(value: number): string {
  return value.toFixed(value >= 1000 ? 1 : 2);
}
