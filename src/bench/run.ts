import { readManifest } from "../core/model/manifest.ts";
import { visionAccuracy } from "../core/model/vision-accuracy.ts";
import type { EngineHandle, EngineOptions } from "../engine/api.ts";
import { knownSizes } from "./flops.ts";
import { describeMachine, describeVersions } from "../engine/machine.ts";
import { type MatrixPeak, measureMatrixPeak } from "./matrix-peak.ts";
import { measureRounds, uncompressedPositions } from "./measure.ts";
import { MemoryWatch } from "./memory.ts";
import { type BenchReport, medianDecodeRate, stageRows, UNCOMPRESSED_NOTE } from "./report.ts";
import { profileVision } from "./vision-profile.ts";

export interface BenchOptions {
  readonly model: EngineOptions;
  /** a path, or encoded bytes */
  readonly picture: string | Uint8Array;
  /** what the report calls the picture */
  readonly pictureName: string;
  readonly question: string;
  /** tokens that each round generates; the end of the answer does not stop it */
  readonly tokens: number;
  /** rounds that are not counted, whenever a model has just been loaded */
  readonly warmup: number;
  readonly repeat: number;
  /** @default false */
  readonly uncompressed?: boolean | undefined;
  readonly startEngine: (options: EngineOptions) => Promise<EngineHandle>;
  /** What is being done. @default nobody */
  readonly onStep?: ((step: string) => void) | undefined;
  /** Aborting ends the run after the step in hand, by throwing the signal's reason. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Measures a loaded model stage by stage.
 * @throws what loading, encoding and asking throw
 */
export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const { picture, question, warmup, repeat, uncompressed = false, onStep, signal } = options;
  const { directory } = options.model;
  const manifest = await readManifest(directory);
  const sizes = knownSizes(manifest.geometry);
  const memory = new MemoryWatch();
  onStep?.(`loading ${manifest.name}`);
  const positions = uncompressed ? uncompressedPositions(manifest.geometry) : undefined;
  const engine = await options.startEngine({ ...options.model, parallel: 1, positions });
  const { info } = engine;
  const rounds = await measureRounds({
    engine,
    picture,
    question,
    tokens: options.tokens,
    warmup,
    repeat,
    uncompressed,
    signal,
    onRound: (round, of) => onStep?.(`measuring, ${round} of ${of}`),
  }).finally(async () => engine.dispose());
  // before the sessions below, which the engine does not need
  const peak = memory.stop();

  const provider = info.device.vision;
  const { threads } = info;
  signal?.throwIfAborted();
  let compress: readonly number[] = [];
  if (!uncompressed) {
    onStep?.("profiling the vision graph");
    ({ compress } = await profileVision({ directory, manifest, picture, provider, threads, repeat }));
  }
  signal?.throwIfAborted();
  let matrixPeak: MatrixPeak | undefined;
  if (sizes !== undefined) {
    onStep?.("measuring the matrix-product peak");
    matrixPeak = await measureMatrixPeak({ sizes, provider, threads });
  }

  const [first] = rounds;
  const notes = [...new Set([...info.device.remarks, ...info.device.notes])];
  if (uncompressed) notes.unshift(UNCOMPRESSED_NOTE);
  const { pictures = 1 } = options.model;
  if (pictures > 1) notes.push(`loaded as for a run over ${pictures} pictures`);
  if (sizes === undefined) {
    notes.push("operations are not counted: this model was converted before its sizes were recorded");
  }
  if (!uncompressed && compress.length === 0) {
    notes.push(`${info.device.vision} computes the vision graph in one piece: compress is not told apart`);
  }
  return {
    versions: await describeVersions(),
    machine: describeMachine(),
    model: {
      name: manifest.name,
      quant: manifest.quant,
      vision_precision: visionAccuracy(manifest).precision,
    },
    device: { vision: info.device.vision, language: info.device.language },
    threads,
    picture: {
      name: options.pictureName,
      size: first === undefined ? null : `${first.picture.width} x ${first.picture.height}`,
    },
    question,
    mode: "warm",
    compressed: !uncompressed,
    warmup,
    repeat,
    tokens: {
      image_before: first?.picture.features ?? 0,
      image_after: first?.answer.tokens.image ?? 0,
      prompt: first?.answer.tokens.prompt ?? 0,
      prompt_kept: first?.answer.reusedPositions ?? 0,
      answer: first?.answer.tokens.answer ?? 0,
    },
    stages: stageRows({ rounds, loadMs: info.loadMs, compress, sizes, peak: matrixPeak }),
    decode_tokens_per_second: medianDecodeRate(rounds),
    matrix_peak: matrixPeak ?? null,
    memory: { peak_bytes: peak.resident, peak_anonymous_bytes: peak.anonymous },
    notes,
  };
}
