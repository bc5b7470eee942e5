import type { Checkpoint } from "../../src/checkpoint/types.ts";

/** Rows of one width, row by row. */
interface Rows {
  readonly values: Float64Array;
  readonly width: number;
}

const EMBQ = "model.lqformer";

/**
 * The attention of EmbQ and of spatial attention pooling by their definition, in float64 and plain loops, from a checkpoint's
 * tensors alone.
 */
export class PlainAttention {
  readonly #checkpoint: Checkpoint;

  constructor(checkpoint: Checkpoint) {
    this.#checkpoint = checkpoint;
  }

  /**
   * What EmbQ's queries look at, the mean over heads.
   * @returns [queries, F]
   */
  async embq(queries: Float32Array, text: Float32Array, features: Float32Array): Promise<Float64Array> {
    const { embq, text: language, vision } = this.#checkpoint.config;
    const layer = `${EMBQ}.layers.0`;
    const down = `${EMBQ}.down_projector_learnable_text`;
    const read = async (values: Float32Array, norm: string): Promise<Rows> =>
      this.#norm(await this.#linear(rows(values, language.hiddenSize), down), `${layer}.${norm}`);
    const q = await read(queries, "ln_q");
    const t = await read(text, "ln_text");
    const image = await this.#linear(rows(features, vision.hiddenSize), `${EMBQ}.down_projector_image`);
    const k = await this.#norm(image, `${layer}.ln_kv`);

    const toText = heads(
      await this.#linear(q, `${layer}.t2q_attn.q_proj`),
      await this.#linear(t, `${layer}.t2q_attn.k_proj`),
      embq.heads,
    );
    const value = await this.#linear(t, `${layer}.t2q_attn.v_proj`);
    const learned = mix(toText, value, embq.heads);
    const toPicture = heads(
      await this.#linear(learned, `${layer}.i2q_attn.q_proj`),
      await this.#linear(k, `${layer}.i2q_attn.k_proj`),
      embq.heads,
    );
    const mean = new Float64Array(toPicture[0]?.values.length ?? 0);
    for (const { values } of toPicture) {
      for (let at = 0; at < mean.length; at++) mean[at] = (mean[at] ?? 0) + (values[at] ?? 0) / embq.heads;
    }
    return mean;
  }

  /**
   * What spatial attention pooling makes of one crop's patches, where they lie.
   * @param features [grid * grid, C]
   * @returns [grid * grid]; the patches of each window add up to 1
   */
  async pooling(features: Float32Array): Promise<Float64Array> {
    const { vision, sap } = this.#checkpoint.config;
    const inner = await this.#linear(rows(features, vision.hiddenSize), "model.pooling.mlp.0");
    const relu = { ...inner, values: inner.values.map((value) => Math.max(value, 0)) };
    const { values: scores } = await this.#linear(relu, "model.pooling.mlp.3");
    const out = new Float64Array(scores.length);
    for (let top = 0; top < vision.grid; top += sap.window) {
      for (let left = 0; left < vision.grid; left += sap.window) {
        const members: number[] = [];
        for (let y = top; y < top + sap.window; y++) {
          for (let x = left; x < left + sap.window; x++) members.push(y * vision.grid + x);
        }
        const powers = members.map((member) => Math.exp(scores[member] ?? 0));
        const sum = powers.reduce((a, b) => a + b, 0);
        for (const [index, member] of members.entries()) out[member] = (powers[index] ?? 0) / sum;
      }
    }
    return out;
  }

  /** x Wᵀ + b */
  async #linear(x: Rows, name: string): Promise<Rows> {
    const weight = await this.#checkpoint.readFloat32(`${name}.weight`);
    const bias = await this.#checkpoint.readFloat32(`${name}.bias`);
    const count = x.values.length / x.width;
    const values = new Float64Array(count * bias.length);
    for (let row = 0; row < count; row++) {
      for (let out = 0; out < bias.length; out++) {
        let sum = bias[out] ?? 0;
        for (let at = 0; at < x.width; at++) {
          sum += (x.values[row * x.width + at] as number) * (weight[out * x.width + at] as number);
        }
        values[row * bias.length + out] = sum;
      }
    }
    return { values, width: bias.length };
  }

  /** Layer norm, epsilon 1e-5 */
  async #norm({ values, width }: Rows, name: string): Promise<Rows> {
    const weight = await this.#checkpoint.readFloat32(`${name}.weight`);
    const bias = await this.#checkpoint.readFloat32(`${name}.bias`);
    const out = new Float64Array(values.length);
    for (let start = 0; start < values.length; start += width) {
      const row = values.subarray(start, start + width);
      const mean = row.reduce((a, b) => a + b, 0) / width;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
      for (const [at, value] of row.entries()) {
        out[start + at] = ((value - mean) / Math.sqrt(variance + 1e-5)) * (weight[at] ?? 0) + (bias[at] ?? 0);
      }
    }
    return { values: out, width };
  }
}

function rows(values: Float32Array, width: number): Rows {
  return { values: Float64Array.from(values), width };
}

/** softmax(q kᵀ / sqrt(d)) of each head: rows of queries, as wide as there are keys */
function heads(q: Rows, k: Rows, count: number): Rows[] {
  const d = q.width / count;
  const [queries, keys] = [q.values.length / q.width, k.values.length / k.width];
  return Array.from({ length: count }, (_, head) => {
    const values = new Float64Array(queries * keys);
    for (let query = 0; query < queries; query++) {
      const row = values.subarray(query * keys, (query + 1) * keys);
      for (let key = 0; key < keys; key++) {
        let dot = 0;
        for (let at = head * d; at < (head + 1) * d; at++) {
          dot += (q.values[query * q.width + at] ?? 0) * (k.values[key * k.width + at] ?? 0);
        }
        row[key] = Math.exp(dot / Math.sqrt(d));
      }
      const sum = row.reduce((a, b) => a + b, 0);
      for (let key = 0; key < keys; key++) row[key] = (row[key] ?? 0) / sum;
    }
    return { values, width: keys };
  });
}

/** Each head's weights times its part of the values, side by side. */
function mix(weights: readonly Rows[], v: Rows, count: number): Rows {
  const d = v.width / count;
  const queries = (weights[0]?.values.length ?? 0) / (weights[0]?.width ?? 1);
  const values = new Float64Array(queries * v.width);
  for (const [head, { values: row, width: keys }] of weights.entries()) {
    for (let query = 0; query < queries; query++) {
      for (let at = head * d; at < (head + 1) * d; at++) {
        let sum = 0;
        for (let key = 0; key < keys; key++) {
          sum += (row[query * keys + key] ?? 0) * (v.values[key * v.width + at] ?? 0);
        }
        values[query * v.width + at] = sum;
      }
    }
  }
  return { values, width: v.width };
}
