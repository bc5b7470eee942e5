import type { Settings } from "../pipeline/resume/settings.ts";
import type { Shard } from "../pipeline/sources/shard.ts";
import { paperFigures, type PaperFigures } from "./paper.ts";
import type { Score, Tally } from "./score.ts";
import type { Protocol } from "./protocols.ts";
import type { Form, Metric, Task } from "./task.ts";

/** What an evaluation says. The fields are in the order in which they are printed. */
export interface EvalReport {
  readonly task: string;
  readonly protocol: Protocol | undefined;
  readonly split: string;
  readonly samples: {
    /** of the data, or of what `limit` and `shard` left of it */
    readonly asked: number;
    readonly answered: number;
    readonly failed: number;
    readonly missing: number;
    /** questions of the data that are not asked. @default all are */
    readonly left_out?: number | undefined;
  };
  /** The first so many. */
  readonly limit?: number | undefined;
  /** `2/8` */
  readonly shard?: string | undefined;
  readonly score?: ReportedScore | undefined;
  readonly details?: readonly Metric[] | undefined;
  /** The paper's figures for its two models. */
  readonly paper?: PaperFigures | undefined;
  readonly unreadable?: { readonly answers: number; readonly share: number } | undefined;
  readonly prompt_suffix: Form["suffix"];
  readonly ocr: boolean;
  readonly max_tokens: number;
  readonly model: string | undefined;
  readonly revision: string | undefined;
  readonly quant: string | undefined;
  readonly vision_precision: string | undefined;
  /** `both`: each question is asked with it and without. */
  readonly embq: boolean | "both" | undefined;
  /** The answer file. */
  readonly answers?: string | undefined;
  /** The same as the benchmark's own evaluator takes them, and which that is. */
  readonly handover?: { readonly path: string; readonly to: string } | undefined;
  readonly remarks: readonly string[];
}

export interface ReportedScore extends Metric {
  readonly unit: "%" | "points";
  readonly interval: Score["headline"]["interval"];
}

/** How answers were given; undefined for what nobody knows, or what differs from answer to answer. */
export type GivenBy = Pick<EvalReport, "model" | "revision" | "quant" | "vision_precision" | "max_tokens"> & {
  readonly embq: boolean | undefined;
};

export interface ReportOptions {
  readonly task: Task;
  /** @default the task knows only one way */
  readonly protocol?: Protocol | undefined;
  readonly form: Form;
  readonly tally: Tally;
  readonly score: Score | undefined;
  readonly by: GivenBy;
  readonly limit: number | undefined;
  readonly shard: Shard | undefined;
  /** The file that the answers are in. @default they are in none */
  readonly answers?: string | undefined;
  /** What was written for the benchmark's own evaluator. @default nothing */
  readonly handover?: string | undefined;
  /** How many questions of the data are not asked. */
  readonly leftOut: number;
}

export function reportOf(options: ReportOptions): EvalReport {
  const { task, protocol, form, tally, score, by, limit, shard, answers, handover, leftOut } = options;
  const { answered, failed, missing, unreadable, foreign } = tally;
  const remarks = [...(form.remarks ?? [])];
  if (foreign > 0) remarks.push(`${foreign} answers are to no sample of this data, and were left out`);
  const { max_tokens, ...model } = by;
  return {
    task: task.name,
    protocol,
    split: form.split,
    samples: {
      asked: answered + failed + missing,
      answered,
      failed,
      missing,
      ...(leftOut > 0 && { left_out: leftOut }),
    },
    ...(limit !== undefined && { limit }),
    ...(shard && { shard: `${shard.part}/${shard.of}` }),
    ...(score && { score: score.headline, details: score.details }),
    paper: paperFigures(task.name),
    ...(score && { unreadable: { answers: unreadable, share: unreadable / answered } }),
    prompt_suffix: form.suffix,
    ocr: form.ocr ?? false,
    max_tokens,
    ...model,
    ...(form.bothWays === true && by.embq !== false && { embq: "both" as const }),
    ...(answers !== undefined && { answers }),
    ...(handover !== undefined && form.handover && { handover: { path: handover, to: form.handover.to } }),
    remarks,
  };
}

/** How all answers were given: what their settings have in common. */
export function givenBy(settings: readonly Settings[], models: readonly string[], form: Form): GivenBy {
  const common = <T>(part: (settings: Settings) => T): T | undefined => {
    const [first, ...others] = settings.map(part);
    return others.every((other) => other === first) ? first : undefined;
  };
  return {
    model: common(({ model }) => model) ?? (models.length === 1 ? models[0] : undefined),
    revision: common(({ revision }) => revision),
    quant: common(({ quant }) => quant),
    vision_precision: common(({ vision }) => vision),
    embq: common(({ embq }) => embq ?? true),
    max_tokens: common(({ max_tokens }) => max_tokens) ?? form.maxTokens,
  };
}
