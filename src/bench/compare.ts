import { type Manifest, readManifest, variantOf } from "../core/model/manifest.ts";
import { visionAccuracy } from "../core/model/vision-accuracy.ts";
import { showVariant } from "../core/model/variant.ts";
import type { EngineInfo, EngineOptions } from "../engine/api.ts";
import { decodeRate } from "../engine/decode-rate.ts";
import { describeMachine, describeVersions } from "../engine/machine.ts";
import { measureRounds, type Round } from "./measure.ts";
import type { BenchOptions } from "./run.ts";
import { timeToFirstToken } from "./report.ts";
import { type ComparedVariant, type Comparison, comparedVariants, type VariantTimes } from "./comparison.ts";

export interface CompareOptions extends Omit<BenchOptions, "model" | "uncompressed"> {
  /** converted models' folders; the others are compared with the first */
  readonly directories: readonly string[];
  readonly model: Omit<EngineOptions, "directory" | "parallel">;
}

interface Measured {
  readonly manifest: Manifest;
  readonly times: VariantTimes[];
}

/**
 * Measures several models in turn, one in memory at a time, each loaded anew in every round: what the machine does meanwhile
 * falls on all of them alike.
 * @throws what loading, encoding and asking throw
 */
export async function runComparison(options: CompareOptions): Promise<Comparison> {
  const { repeat, onStep, signal } = options;
  const measured = new Map<string, Measured>();
  for (const directory of options.directories) {
    measured.set(directory, { manifest: await readManifest(directory), times: [] });
  }
  let last: { readonly info: EngineInfo; readonly round: Round } | undefined;
  for (let round = 0; round < repeat; round++) {
    for (const [directory, { manifest, times }] of measured) {
      signal?.throwIfAborted();
      onStep?.(`measuring ${showVariant(variantOf(manifest))}, ${round + 1} of ${repeat}`);
      last = await measureOnce(options, directory);
      times.push(timesOf(last));
    }
  }
  if (last === undefined) throw new RangeError("nothing was measured");
  const { info, round } = last;
  return {
    versions: await describeVersions(),
    machine: describeMachine(),
    device: { vision: info.device.vision, language: info.device.language },
    threads: info.threads,
    picture: { name: options.pictureName, size: `${round.picture.width} x ${round.picture.height}` },
    question: options.question,
    warmup: options.warmup,
    repeat,
    tokens: {
      prompt: round.answer.tokens.prompt,
      prompt_kept: round.answer.reusedPositions,
      answer: round.answer.tokens.answer,
    },
    variants: comparedVariants([...measured.values()].map(describe)),
    notes: [...new Set([...info.device.remarks, ...info.device.notes])],
  };
}

async function measureOnce(
  options: CompareOptions,
  directory: string,
): Promise<{ readonly info: EngineInfo; readonly round: Round }> {
  const { model, picture, question, tokens, warmup, signal } = options;
  const engine = await options.startEngine({ ...model, directory, parallel: 1 });
  try {
    const rounds = await measureRounds({ engine, picture, question, tokens, warmup, repeat: 1, signal });
    const [round] = rounds;
    if (round === undefined) throw new RangeError("nothing was measured");
    return { info: engine.info, round };
  } finally {
    await engine.dispose();
  }
}

function timesOf({ info, round }: { readonly info: EngineInfo; readonly round: Round }): VariantTimes {
  const { picture, answer } = round;
  const rate = decodeRate(answer);
  return {
    load: info.loadMs.total,
    vision: picture.ms.vision,
    prefill: answer.ms.prefill,
    token: rate === null ? null : 1000 / rate,
    firstToken: timeToFirstToken(round),
    prefilled: answer.tokens.prompt - answer.reusedPositions,
  };
}

function describe({ manifest, times }: Measured): ComparedVariant {
  const { quant, visionPrecision, visionBudget } = variantOf(manifest);
  const { files, roles } = manifest;
  return {
    name: manifest.name,
    quant,
    visionPrecision,
    visionBudget,
    featureError: visionAccuracy(manifest).featureError,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    languageBytes: files.find(({ name }) => name === roles.language)?.size ?? 0,
    times,
  };
}
