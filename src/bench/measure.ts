import { cropCount, type ModelGeometry } from "../core/model/manifest.ts";
import type { Answer, EncodedPicture, EngineHandle, PictureInput } from "../engine/api.ts";

/** A question and an answer, whatever a picture takes. */
const TEXT_POSITIONS = 512;

/** Positions that a model needs for a picture whose every feature is a token: more than it was trained for, in HD. */
export function uncompressedPositions(geometry: ModelGeometry): number {
  const pictured = cropCount(geometry) * geometry.featuresPerCrop + TEXT_POSITIONS;
  return Math.max(geometry.contextLength, pictured);
}

/** One picture encoded and asked about. */
export interface Round {
  readonly picture: EncodedPicture;
  readonly answer: Answer;
  /** Wall time of all of it, in milliseconds */
  readonly total: number;
}

export interface MeasureOptions {
  readonly engine: EngineHandle;
  readonly picture: PictureInput;
  readonly question: string;
  /** tokens of each answer: generation goes on past its end */
  readonly tokens: number;
  /** rounds that are not reported */
  readonly warmup: number;
  readonly repeat: number;
  /** @default false */
  readonly uncompressed?: boolean | undefined;
  /** Called before each round. @default nobody */
  readonly onRound?: ((round: number, of: number) => void) | undefined;
  /** Aborting ends the measurement after the round in hand. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Encodes the picture and asks anew in each round: nothing of the round before is in any cache of ours but the text that
 * every prompt begins with, as for any picture after the first.
 */
export async function measureRounds(options: MeasureOptions): Promise<Round[]> {
  const { engine, question, tokens, warmup, repeat, uncompressed } = options;
  const rounds: Round[] = [];
  for (let round = 0; round < warmup + repeat; round++) {
    options.signal?.throwIfAborted();
    options.onRound?.(round + 1, warmup + repeat);
    const start = performance.now();
    const picture = await engine.encodePicture(options.picture, { uncompressed });
    const answer = await engine.ask(picture, { question, maxTokens: tokens, ignoreEnd: true });
    const total = performance.now() - start;
    await engine.release(picture);
    if (round >= warmup) rounds.push({ picture, answer, total });
  }
  return rounds;
}
