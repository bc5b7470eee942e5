import { join } from "node:path";
import type { Provider } from "../core/model/device.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { ModelGeometry } from "../core/model/manifest.ts";
import { openSession } from "../onnxruntime/open.ts";
import type { OnnxSession, TensorInput } from "../onnxruntime/session.ts";

/** The sizes of a model that EmbQ needs. */
export type EmbqGeometry = Pick<ModelGeometry, "queries" | "hiddenSize" | "featureWidth">;

export interface LoadEmbqOptions {
  /** a converted model's folder */
  readonly directory: string;
  /** name of the EmbQ graph, the manifest's `roles.embq` */
  readonly file: string;
  readonly geometry: EmbqGeometry;
  /** @default "cpu" */
  readonly provider?: Provider | undefined;
  /** @default the machine's physical cores */
  readonly threads?: number | undefined;
}

/** Hidden states and features that EmbQ reads; row-major. */
export interface EmbqInput {
  /** hidden states at the query positions [queries, hiddenSize] */
  readonly queries: Float32Array;
  /** hidden states of the question [T, hiddenSize], T >= 1 */
  readonly text: Float32Array;
  /** all raw features of the picture [F, featureWidth] */
  readonly features: Float32Array;
}

/** EmbQ between two decoder layers: what the queries have read of question and picture, added to them. */
export class EmbqSession {
  readonly #session: OnnxSession;
  readonly #geometry: EmbqGeometry;

  private constructor(session: OnnxSession, geometry: EmbqGeometry) {
    this.#session = session;
    this.#geometry = geometry;
  }

  /** The question's length varies, which only the CPU and CUDA take well. @throws as `openSession` does */
  static async load(options: LoadEmbqOptions): Promise<EmbqSession> {
    const { directory, file, geometry, provider, threads } = options;
    const { queries, hiddenSize, featureWidth } = geometry;
    const declared = {
      queries: [queries, hiddenSize],
      text: ["any", hiddenSize],
      features: ["any", featureWidth],
      queries_out: [queries, hiddenSize],
    } as const;
    const session = await openSession({ path: join(directory, file), provider, threads, declared });
    return new EmbqSession(session, geometry);
  }

  /** onnxruntime's provider that runs EmbQ */
  get provider(): Provider {
    return this.#session.provider;
  }

  /**
   * Returns when it is done: llama.cpp's graph waits for it in the middle of a decode.
   * @returns the new hidden states at the query positions [queries, hiddenSize]
   * @throws `internal` when an input is empty or no whole number of rows
   */
  run(input: EmbqInput): Float32Array {
    const [out] = this.#session.runNow(embqInputs(input, this.#geometry), ["queries_out"]);
    return out ?? new Float32Array();
  }

  /** Frees the session. Idempotent. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}

/** @throws `internal` when an input is empty or no whole number of rows */
export function embqInputs(
  { queries, text, features }: EmbqInput,
  { queries: count, hiddenSize, featureWidth }: EmbqGeometry,
): Readonly<Record<string, TensorInput>> {
  const inputs = {
    queries: rows("queries", queries, hiddenSize),
    text: rows("text", text, hiddenSize),
    features: rows("features", features, featureWidth),
  };
  if (inputs.queries.shape[0] !== count) {
    throw new FlashSlothError("internal", `EmbQ needs ${count} queries`);
  }
  return inputs;
}

function rows(name: string, data: Float32Array, width: number): TensorInput {
  const count = data.length / width;
  if (!Number.isInteger(count) || count === 0) {
    throw new FlashSlothError("internal", `EmbQ's ${name}: ${data.length} values are not rows of ${width}`);
  }
  return { type: "float32", data, shape: [count, width] };
}
