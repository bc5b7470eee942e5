import type { VisionPrecision } from "../core/model/variant.ts";
import type { EngineInfo } from "../engine/api.ts";
import { decodeRate } from "../engine/decode-rate.ts";
import type { MatrixPeak } from "./matrix-peak.ts";
import type { Machine, Versions } from "../engine/machine.ts";
import type { Round } from "./measure.ts";
import {
  compressFlops,
  decodeFlops,
  embqFlops,
  encoderFlops,
  prefillFlops,
  projectorFlops,
} from "./flops.ts";
import type { Sizes } from "./flops.ts";
import { median, summary, type Summary } from "./statistics.ts";

/** One line of a report; the fields are those of `--json` and the columns of `--csv`. */
export interface StageRow {
  readonly stage: string;
  /** a part of the stage, whose time is inside the stage's; null for the whole of it */
  readonly component: string | null;
  readonly median_ms: number;
  readonly p95_ms: number;
  readonly samples: number;
  /** 10^9 floating-point operations, counted by `flops.ts`; null where no matrix product is involved or sizes are unknown */
  readonly gflop: number | null;
  /** 10^9 floating-point operations a second, at the median */
  readonly gflops: number | null;
  /** share of the machine's measured matrix-product peak */
  readonly of_peak: number | null;
}

/** Everything that `flashsloth bench` says, as plain data. */
export interface BenchReport {
  readonly versions: Versions;
  readonly machine: Machine;
  readonly model: {
    readonly name: string;
    readonly quant: string;
    readonly vision_precision: VisionPrecision;
  };
  readonly device: { readonly vision: string; readonly language: string };
  readonly threads: number;
  readonly picture: {
    readonly name: string;
    /** `1600 x 1200`, upright; null where only processes of their own saw it */
    readonly size: string | null;
  };
  readonly question: string;
  /** `warm`: one loaded engine; `cold`: a process for each sample */
  readonly mode: "warm" | "cold";
  readonly compressed: boolean;
  readonly warmup: number;
  readonly repeat: number;
  readonly tokens: {
    /** raw vision features, and the visual tokens that the language model read */
    readonly image_before: number;
    readonly image_after: number;
    /** positions, and how many of them, the same for every picture, were not computed anew; null where it is not known */
    readonly prompt: number;
    readonly prompt_kept: number | null;
    readonly answer: number;
  };
  readonly stages: readonly StageRow[];
  readonly decode_tokens_per_second: number | null;
  /** GFLOP/s of onnxruntime on the encoder's own matrix products, nothing else; null where it was not measured */
  readonly matrix_peak: MatrixPeak | null;
  readonly memory: { readonly peak_bytes: number; readonly peak_anonymous_bytes: number | null };
  readonly notes: readonly string[];
}

export const UNCOMPRESSED_NOTE: string =
  "without compression the model sees a picture it was not trained for: the answers mean nothing, only the times do";

export interface StageRowsOptions {
  readonly rounds: readonly Round[];
  readonly loadMs: EngineInfo["loadMs"];
  /** milliseconds of SAP and projector; empty where they cannot be told apart */
  readonly compress: readonly number[];
  /** undefined leaves the operations out */
  readonly sizes: Sizes | undefined;
  readonly peak: MatrixPeak | undefined;
}

/** The table of a warm run. */
export function stageRows(options: StageRowsOptions): StageRow[] {
  const { rounds, loadMs, compress, sizes, peak } = options;
  const row = (stage: string, component: string | null, ms: readonly number[], flop?: number): StageRow =>
    stageRow({ stage, component, ms: summary(ms), flop, peak });
  const each = (value: (round: Round) => number): number[] => rounds.map(value);
  const count = <T>(formula: (sizes: Sizes) => T): T | undefined => (sizes ? formula(sizes) : undefined);

  const [first] = rounds;
  const { prompt = 0, answer: answered = 0, question: text = 0 } = first?.answer.tokens ?? {};
  const reused = first?.answer.reusedPositions ?? 0;
  const { features = 0, visualTokens = 0 } = first?.picture ?? {};
  const uncompressed = visualTokens === features;
  const vision = count((s) =>
    uncompressed ? encoderFlops(s) + projectorFlops(s, visualTokens) : encoderFlops(s) + compressFlops(s),
  );
  const perToken = rounds.flatMap(({ answer }) => {
    const rate = decodeRate(answer);
    return rate === null ? [] : [1000 / rate];
  });
  return [
    row("load", null, [loadMs.total]),
    row("load", "vision", [loadMs.vision]),
    row("load", "embq", [loadMs.embq]),
    row("load", "language", [loadMs.language]),
    row(
      "image",
      null,
      each(({ picture }) => picture.ms.image),
    ),
    row(
      "vision",
      null,
      each(({ picture }) => picture.ms.vision),
      vision,
    ),
    ...(compress.length > 0 && !uncompressed
      ? [row("vision", "compress (SAP + projector)", compress, count(compressFlops))]
      : []),
    row(
      "prefill",
      null,
      each(({ answer }) => answer.ms.prefill),
      count((s) => prefillFlops(s, prompt, reused) + embqFlops(s, text)),
    ),
    row(
      "prefill",
      "compress (EmbQ)",
      each(({ answer }) => answer.ms.embq),
      count((s) => embqFlops(s, text)),
    ),
    row(
      "first_token",
      null,
      each(({ answer }) => answer.ms.firstToken),
    ),
    row("time_to_first_token", null, each(timeToFirstToken)),
    ...(perToken.length > 0
      ? [
          row(
            "decode",
            "a token",
            perToken,
            count((s) => decodeFlops(s, prompt + answered / 2)),
          ),
        ]
      : []),
    row(
      "total",
      null,
      each(({ total }) => total),
    ),
  ];
}

/** Picture, vision, prefill and the first token, with everything loaded: milliseconds. */
export function timeToFirstToken({ picture, answer }: Round): number {
  return picture.ms.image + picture.ms.vision + answer.ms.prefill + answer.ms.firstToken;
}

/** Median of the rounds' rates; null where no answer had a second token. */
export function medianDecodeRate(rounds: readonly Round[]): number | null {
  const rates = rounds.flatMap(({ answer }) => decodeRate(answer) ?? []);
  return rates.length > 0 ? median(rates) : null;
}

/** A row whose rate is that of its median time. */
export function stageRow(parts: {
  stage: string;
  component: string | null;
  ms: Summary;
  flop: number | undefined;
  peak: MatrixPeak | undefined;
}): StageRow {
  const { stage, component, ms, flop, peak } = parts;
  const gflop = flop === undefined ? null : flop / 1e9;
  const gflops = gflop === null || ms.median <= 0 ? null : (gflop / ms.median) * 1000;
  return {
    stage,
    component,
    median_ms: rounded(ms.median),
    p95_ms: rounded(ms.p95),
    samples: ms.samples,
    gflop: gflop === null ? null : rounded(gflop),
    gflops: gflops === null ? null : rounded(gflops),
    of_peak: gflops === null || peak === undefined ? null : rounded(gflops / peak.best),
  };
}

/** To six digits: more are noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
