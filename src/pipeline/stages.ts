import type { Answer, DeviceReport, EncodedPicture, EngineInfo } from "../engine/api.ts";
import { decodeRate } from "../engine/decode-rate.ts";
import { tenths, type RecordTimes } from "./records.ts";

/** The stages of one answer and the counts that explain them; what `--json --bench` puts into the record. */
export interface BenchStages {
  readonly image_ms: number;
  readonly vision_ms: number;
  readonly prefill_ms: number;
  /** EmbQ alone, inside `prefill_ms` */
  readonly embq_ms: number;
  readonly first_token_ms: number;
  /** tokens after the first, a second; null when there was none */
  readonly decode_tokens_per_second: number | null;
  readonly total_ms: number;
  /** raw vision features, and the visual tokens they were compressed to */
  readonly image_tokens: { readonly before: number; readonly after: number };
  /** highest resident set of this process so far */
  readonly peak_memory_bytes: number;
  readonly device: { readonly vision: string; readonly language: string };
  readonly threads: number;
  /** questions that the engine works on at once */
  readonly parallel: number;
  /** whether the picture's features were kept from an earlier time */
  readonly cached: boolean;
  /** prompt positions that were not computed: they were in the KV cache or on the disk */
  readonly reused_positions: number;
}

export interface BenchInput {
  readonly picture: Pick<EncodedPicture, "features" | "visualTokens" | "cached">;
  readonly answer: {
    readonly tokens: Pick<Answer["tokens"], "answer">;
    readonly ms: Pick<Answer["ms"], "embq" | "decode">;
    readonly reusedPositions: number;
  };
  readonly times: Pick<RecordTimes, "image" | "vision" | "prefill" | "first_token" | "total">;
  readonly info: Pick<EngineInfo, "threads" | "parallel"> & {
    readonly device: Pick<DeviceReport, "vision" | "language">;
  };
  readonly peakMemoryBytes: number;
}

export function benchStages(input: BenchInput): BenchStages {
  const { picture, answer, times, info } = input;
  const rate = decodeRate(answer);
  return {
    image_ms: times.image,
    vision_ms: times.vision,
    prefill_ms: times.prefill,
    embq_ms: tenths(answer.ms.embq),
    first_token_ms: times.first_token,
    decode_tokens_per_second: rate === null ? null : tenths(rate),
    total_ms: times.total,
    image_tokens: { before: picture.features, after: picture.visualTokens },
    peak_memory_bytes: input.peakMemoryBytes,
    device: { vision: info.device.vision, language: info.device.language },
    threads: info.threads,
    parallel: info.parallel,
    cached: picture.cached,
    reused_positions: answer.reusedPositions,
  };
}
