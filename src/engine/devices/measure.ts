import { cropCount, type ModelGeometry } from "../../core/model/manifest.ts";
import type { LanguageNumbers, VisionNumbers } from "../../core/model/reference.ts";
import { sketch } from "../../core/model/sketch.ts";
import { MADE_PICTURES, madePicture } from "../../image/made-pictures.ts";
import { digestOf, type PreparedPicture } from "../../image/picture.ts";
import type { EmbqSession } from "../../vision/embq.ts";
import type { EncodedCrops, VisionEncoder } from "../../vision/encoder.ts";
import { encodeTogether } from "../../vision/together.ts";
import type { Engine } from "../engine.ts";

/** The prompt about the reference picture, and how many tokens follow it. */
const QUESTION = "What is in this image?";
const TOKENS = 8;
/** Likeliest tokens whose logits are compared. */
const TOP = 16;
/** Rows of the made-up question that EmbQ reads beside the vision features. */
const TEXT_ROWS = 8;

/** The picture that every device is tried on: arithmetic, the same everywhere. */
export function referencePicture(geometry: ModelGeometry): PreparedPicture {
  const { imageSize: size } = geometry;
  const crops = cropCount(geometry);
  const seen = { pixels: madeCrops(size, crops), crops, size };
  return { ...seen, width: size, height: size, digest: digestOf(seen) };
}

/** @returns uint8 [crops, size, size, 3] */
function madeCrops(size: number, crops: number, first = 0): Uint8Array {
  const pixels = new Uint8Array(crops * size * size * 3);
  for (let crop = 0; crop < crops; crop++) {
    pixels.set(madePicture((first + crop) % MADE_PICTURES, size), crop * size * size * 3);
  }
  return pixels;
}

export interface VisionParts {
  readonly encoder: Pick<VisionEncoder, "encode">;
  readonly embq: Pick<EmbqSession, "run">;
  readonly geometry: ModelGeometry;
}

/** What the vision side makes of the reference picture. */
export async function measureVision(parts: VisionParts): Promise<VisionNumbers> {
  const { pixels, crops } = referencePicture(parts.geometry);
  return numbersOf(parts, await parts.encoder.encode({ pixels, crops }));
}

/**
 * The same, with the picture as the last of a run that is full: whatever crops do to each other, or the run's size to a device, shows.
 * @returns undefined where no run has room for more than the picture
 */
export async function measureTogether(
  parts: VisionParts,
  cropsPerRun: number,
): Promise<VisionNumbers | undefined> {
  const { encoder, geometry } = parts;
  const { pixels, crops } = referencePicture(geometry);
  const others = cropsPerRun - crops;
  if (others <= 0) return undefined;
  const beside = { pixels: madeCrops(geometry.imageSize, others, crops), crops: others };
  const [, seen] = await encodeTogether(encoder, [beside, { pixels, crops }]);
  return seen && numbersOf(parts, seen);
}

function numbersOf(
  { embq, geometry }: Omit<VisionParts, "encoder">,
  { features, visualTokens }: EncodedCrops,
): VisionNumbers {
  const { queries, hiddenSize } = geometry;
  const out = embq.run({
    queries: wave(queries * hiddenSize, 0.7),
    text: wave(TEXT_ROWS * hiddenSize, 0.37),
    features,
  });
  return { features: sketch(features), visualTokens: sketch(visualTokens), embq: sketch(out) };
}

export interface MeasuredLanguage {
  readonly numbers: LanguageNumbers;
  /** the prompt, and each token after the first */
  readonly ms: { readonly prefill: number; readonly token: number };
}

/** What the language model makes of the reference picture and question, by whatever encodes pictures for that engine. */
export async function measureLanguage(
  engine: Pick<Engine, "encodePicture" | "ask">,
  geometry: ModelGeometry,
): Promise<MeasuredLanguage> {
  const picture = await engine.encodePicture(referencePicture(geometry));
  let queries = "";
  let first: Float32Array = new Float32Array();
  let plain: Float32Array = new Float32Array();
  const greedy: LanguageNumbers["greedy"][number][] = [];
  const options = { question: QUESTION, maxTokens: TOKENS, ignoreEnd: true };
  const { ms } = await engine.ask(picture, options, {
    onEmbq: ({ queriesOut }) => void (queries = sketch(queriesOut)),
    onLogits: (logits, step) => {
      if (step === 0) first = logits;
      const [id = -1, next = -1] = likeliest(logits, 2);
      greedy.push({ id, margin: rounded(at(logits, id) - at(logits, next)) });
    },
  });
  const without = { question: QUESTION, maxTokens: 1, embq: false };
  await engine.ask(picture, without, { onLogits: (logits, step) => void (step === 0 && (plain = logits)) });
  const top = likeliest(first, TOP).map((id) => ({
    id,
    logit: rounded(at(first, id)),
    plain: rounded(at(plain, id)),
  }));
  return { numbers: { queries, top, greedy }, ms: { prefill: ms.prefill, token: ms.decode / (TOKENS - 1) } };
}

/** Tokens by their logits, the likeliest first. */
function likeliest(logits: Float32Array, count: number): number[] {
  return Array.from(logits.keys())
    .sort((a, b) => at(logits, b) - at(logits, a))
    .slice(0, count);
}

function at(logits: Float32Array, id: number): number {
  return logits[id] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

/** Values of the size of hidden states, the same everywhere. */
function wave(length: number, step: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => Math.sin(step * index));
}
