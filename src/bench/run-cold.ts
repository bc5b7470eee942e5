import * as v from "valibot";
import { readManifest } from "../core/model/manifest.ts";
import { visionAccuracy } from "../core/model/vision-accuracy.ts";
import { coldAsk, coldRecord, type ColdRun, type CommandOptions } from "./cold.ts";
import { describeMachine, describeVersions } from "../engine/machine.ts";
import { type BenchReport, stageRow, type StageRow } from "./report.ts";
import { median, summary } from "./statistics.ts";

export interface ColdBenchOptions {
  /** a converted model's folder */
  readonly directory: string;
  /** a file */
  readonly picture: string;
  readonly pictureName: string;
  readonly question: string;
  /** further arguments of `ask`: model, device, threads, longest answer */
  readonly words: readonly string[];
  readonly warmup: number;
  readonly repeat: number;
  /** @default nobody */
  readonly onStep?: ((step: string) => void) | undefined;
  /** Aborting ends the process in hand and throws the signal's reason. @default never */
  readonly signal?: AbortSignal | undefined;
}

const ms = v.number();
/** What is read of a record of `ask --bench --json`. */
export interface ColdRecord {
  readonly model: string;
  readonly tokens: { readonly image: number; readonly prompt: number; readonly answer: number };
  readonly ms: Readonly<Record<ColdStage | "total", number>>;
  readonly bench: {
    readonly decode_tokens_per_second: number | null;
    readonly image_tokens: { readonly before: number; readonly after: number };
    readonly peak_memory_bytes: number;
    readonly device: { readonly vision: string; readonly language: string };
    readonly threads: number;
  };
}

const COLD_STAGES = ["load", "image", "vision", "prefill", "first_token", "decode"] as const;
type ColdStage = (typeof COLD_STAGES)[number];

const recordSchema: v.GenericSchema<unknown, ColdRecord> = v.object({
  model: v.string(),
  tokens: v.object({ image: v.number(), prompt: v.number(), answer: v.number() }),
  ms: v.object({ load: ms, image: ms, vision: ms, prefill: ms, first_token: ms, decode: ms, total: ms }),
  bench: v.object({
    decode_tokens_per_second: v.nullable(v.number()),
    image_tokens: v.object({ before: v.number(), after: v.number() }),
    peak_memory_bytes: v.number(),
    device: v.object({ vision: v.string(), language: v.string() }),
    threads: v.number(),
  }),
});

/** What `ask --bench --json` says of itself in a process of its own. @throws as `coldAsk` does */
export async function coldStages(words: readonly string[], options: CommandOptions): Promise<ColdRecord> {
  return v.parse(recordSchema, await coldRecord(words, options));
}

/**
 * Measures whole commands in fresh processes. Each sample is two of them: one that streams its answer, timed from
 * outside, and one that says how long its stages took.
 * @throws as `coldAsk` does
 */
export async function runColdBench(options: ColdBenchOptions): Promise<BenchReport> {
  const { directory, picture, question, warmup, repeat, onStep, signal } = options;
  const manifest = await readManifest(directory);
  const words = [picture, "--question", question, "--no-download", ...options.words];
  for (let i = 0; i < warmup; i++) {
    onStep?.(`starting, ${i + 1} of ${warmup} to warm up`);
    await coldAsk(words, { signal });
  }
  const runs: ColdRun[] = [];
  const records: ColdRecord[] = [];
  for (let i = 0; i < repeat; i++) {
    onStep?.(`starting, ${i + 1} of ${repeat}`);
    runs.push(await coldAsk(words, { signal }));
    records.push(await coldStages(words, { signal }));
  }
  const [first] = records;
  if (first === undefined) throw new RangeError("nothing was measured");
  const rates = records.flatMap(({ bench }) => bench.decode_tokens_per_second ?? []);
  return {
    versions: await describeVersions(),
    machine: describeMachine(),
    model: {
      name: manifest.name,
      quant: manifest.quant,
      vision_precision: visionAccuracy(manifest).precision,
    },
    device: first.bench.device,
    threads: first.bench.threads,
    picture: { name: options.pictureName, size: null },
    question,
    mode: "cold",
    compressed: true,
    warmup,
    repeat,
    tokens: {
      image_before: first.bench.image_tokens.before,
      image_after: first.bench.image_tokens.after,
      prompt: first.tokens.prompt,
      prompt_kept: null,
      answer: first.tokens.answer,
    },
    stages: coldRows(runs, records),
    decode_tokens_per_second: rates.length > 0 ? median(rates) : null,
    matrix_peak: null,
    memory: {
      peak_bytes: Math.max(...records.map(({ bench }) => bench.peak_memory_bytes)),
      peak_anonymous_bytes: null,
    },
    notes: [
      "load is what the picture's turn waited for models; the files were in the page cache after warming up",
    ],
  };
}

function row(stage: string, values: readonly number[]): StageRow {
  return stageRow({ stage, component: null, ms: summary(values), flop: undefined, peak: undefined });
}

function coldRows(runs: readonly ColdRun[], records: readonly ColdRecord[]): StageRow[] {
  return [
    ...COLD_STAGES.map((stage) =>
      row(
        stage,
        records.map((record) => record.ms[stage]),
      ),
    ),
    row(
      "enter_to_first_token",
      runs.map((run) => run.firstToken),
    ),
    row(
      "enter_to_end",
      runs.map((run) => run.total),
    ),
  ];
}
