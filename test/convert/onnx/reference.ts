import type { Checkpoint } from "../../../src/checkpoint/types.ts";

/** A matrix as rows of float64. */
type Rows = number[][];

/** The model's maths in plain loops and float64, straight from its definition; for tiny sizes only. */
export class Reference {
  readonly #checkpoint: Checkpoint;

  constructor(checkpoint: Checkpoint) {
    this.#checkpoint = checkpoint;
  }

  async #tensor(name: string): Promise<number[]> {
    return [...(await this.#checkpoint.readFloat32(name))];
  }

  /** x Wᵀ + b with W [N, K] as the checkpoint has it */
  async #linear(x: Rows, name: string): Promise<Rows> {
    const weight = await this.#tensor(`${name}.weight`);
    const bias = await this.#tensor(`${name}.bias`);
    return x.map((row) =>
      bias.map((b, n) => row.reduce((total, v, k) => total + v * at(weight, n * row.length + k), b)),
    );
  }

  async #norm(x: Rows, name: string, epsilon: number): Promise<Rows> {
    const weight = await this.#tensor(`${name}.weight`);
    const bias = await this.#tensor(`${name}.bias`);
    return x.map((row) => {
      const mean = row.reduce((a, b) => a + b, 0) / row.length;
      const variance = row.reduce((total, v) => total + (v - mean) ** 2, 0) / row.length;
      return row.map((v, i) => ((v - mean) / Math.sqrt(variance + epsilon)) * at(weight, i) + at(bias, i));
    });
  }

  /** pixels [S, S, 3] of one crop -> features [patches, C] */
  async siglip(pixels: Uint8Array): Promise<Rows> {
    const { vision } = this.#checkpoint.config;
    const { imageSize: side, patchSize: p, grid } = vision;
    const prefix = "model.vision_tower.vision_tower.vision_model";
    const patches: Rows = [];
    for (let patch = 0; patch < grid * grid; patch++) {
      const row: number[] = [];
      for (let i = 0; i < 3 * p * p; i++) {
        const y = Math.floor(patch / grid) * p + (Math.floor(i / p) % p);
        const x = (patch % grid) * p + (i % p);
        const value = (pixels[(y * side + x) * 3 + Math.floor(i / (p * p))] ?? Number.NaN) / 255;
        row.push((value - 0.5) / 0.5);
      }
      patches.push(row);
    }
    const positions = await this.#tensor(`${prefix}.embeddings.position_embedding.weight`);
    let x = await this.#linear(patches, `${prefix}.embeddings.patch_embedding`);
    x = x.map((row, i) => row.map((v, j) => v + at(positions, i * row.length + j)));
    for (let layer = 0; layer < vision.layers; layer++) {
      const name = `${prefix}.encoder.layers.${layer}`;
      const normed = await this.#norm(x, `${name}.layer_norm1`, vision.normEps);
      const mixed = attend(
        await this.#linear(normed, `${name}.self_attn.q_proj`),
        await this.#linear(normed, `${name}.self_attn.k_proj`),
        await this.#linear(normed, `${name}.self_attn.v_proj`),
        vision.heads,
      );
      x = plus(x, await this.#linear(mixed, `${name}.self_attn.out_proj`));
      const inner = await this.#linear(
        await this.#norm(x, `${name}.layer_norm2`, vision.normEps),
        `${name}.mlp.fc1`,
      );
      x = plus(
        x,
        await this.#linear(
          inner.map((row) => row.map(tanhGelu)),
          `${name}.mlp.fc2`,
        ),
      );
    }
    return x;
  }

  /** features [patches, C] of one crop -> [windows, C] */
  async pool(features: Rows): Promise<Rows> {
    const { vision, sap } = this.#checkpoint.config;
    const side = vision.grid / sap.window;
    const inner = (await this.#linear(features, "model.pooling.mlp.0")).map((row) =>
      row.map((v) => Math.max(v, 0)),
    );
    const scores = (await this.#linear(inner, "model.pooling.mlp.3")).map((row) => at(row, 0));
    const out: Rows = [];
    for (let window = 0; window < side * side; window++) {
      const members: number[] = [];
      for (let y = 0; y < sap.window; y++) {
        for (let x = 0; x < sap.window; x++) {
          const row = Math.floor(window / side) * sap.window + y;
          members.push(row * vision.grid + (window % side) * sap.window + x);
        }
      }
      const weights = softmax(members.map((member) => at(scores, member)));
      out.push(
        blend(
          weights,
          members.map((member) => features[member] ?? []),
        ),
      );
    }
    return out;
  }

  /** [windows, C] -> [windows, hidden] */
  async project(pooled: Rows): Promise<Rows> {
    const inner = await this.#linear(pooled, "model.mm_projector.0");
    return await this.#linear(
      inner.map((row) => row.map(exactGelu)),
      "model.mm_projector.2",
    );
  }

  async embq(queries: Rows, text: Rows, features: Rows): Promise<Rows> {
    const { heads } = this.#checkpoint.config.embq;
    const layer = "model.lqformer.layers.0";
    const down = "model.lqformer.down_projector";
    const q = await this.#norm(await this.#linear(queries, `${down}_learnable_text`), `${layer}.ln_q`, 1e-5);
    const t = await this.#norm(await this.#linear(text, `${down}_learnable_text`), `${layer}.ln_text`, 1e-5);
    const k = await this.#norm(await this.#linear(features, `${down}_image`), `${layer}.ln_kv`, 1e-5);
    const read = attend(
      await this.#linear(q, `${layer}.t2q_attn.q_proj`),
      await this.#linear(t, `${layer}.t2q_attn.k_proj`),
      await this.#linear(t, `${layer}.t2q_attn.v_proj`),
      heads,
    );
    const seen = attend(
      await this.#linear(read, `${layer}.i2q_attn.q_proj`),
      await this.#linear(k, `${layer}.i2q_attn.k_proj`),
      await this.#linear(features, `${layer}.i2q_attn.v_proj`),
      heads,
    );
    return plus(queries, await this.#linear(seen, "model.lqformer.up_projector"));
  }
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN;
}

function plus(a: Rows, b: Rows): Rows {
  return a.map((row, i) => row.map((v, j) => v + at(b[i] ?? [], j)));
}

function softmax(scores: readonly number[]): number[] {
  const powers = scores.map((score) => Math.exp(score));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

/** the rows' average by weight */
function blend(weights: readonly number[], rows: Rows): number[] {
  return (rows[0] ?? []).map((_, j) => weights.reduce((total, w, i) => total + w * at(rows[i] ?? [], j), 0));
}

function attend(q: Rows, k: Rows, v: Rows, heads: number): Rows {
  const slice = (row: number[], head: number): number[] => {
    const width = row.length / heads;
    return row.slice(head * width, (head + 1) * width);
  };
  return q.map((query) =>
    Array.from({ length: heads }, (_, head) => {
      const own = slice(query, head);
      const scores = k.map((key) => {
        const other = slice(key, head);
        return own.reduce((total, x, i) => total + x * at(other, i), 0) / Math.sqrt(own.length);
      });
      return blend(
        softmax(scores),
        v.map((value) => slice(value, head)),
      );
    }).flat(),
  );
}

function tanhGelu(x: number): number {
  return (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** with the error function as its Maclaurin series, good for the small arguments of a tiny model */
function exactGelu(x: number): number {
  const z = x / Math.SQRT2;
  let term = z;
  let total = z;
  for (let n = 1; n < 200; n++) {
    term *= -(z * z) / n;
    total += term / (2 * n + 1);
  }
  return (x / 2) * (1 + (2 / Math.sqrt(Math.PI)) * total);
}
