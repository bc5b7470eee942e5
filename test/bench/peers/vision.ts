import type { Shape } from "../../../src/core/model/shape.ts";
import type { GgufValue } from "../../../src/formats/gguf/types.ts";
import type { GgufTensorSource } from "../../../src/formats/gguf/write.ts";
import { madeUp } from "./made-up.ts";
import type { Peer, VisionShape } from "./shapes.ts";

/** Keys of `tools/mtmd/clip-impl.h`. */
export function visionMetadata({ name, vision, language }: Peer): Map<string, GgufValue> {
  const sizes: readonly (readonly [string, number])[] = [
    ["image_size", vision.imageSize],
    ["patch_size", vision.patchSize],
    ["embedding_length", vision.width],
    ["feed_forward_length", vision.intermediate],
    ["block_count", vision.layers],
    ["attention.head_count", vision.heads],
    ["projection_dim", language.width],
    ...(vision.projector === "internvl" ? [["projector.scale_factor", 2] as const] : []),
  ];
  const halves: GgufValue = { type: "array", of: "float32", values: [0.5, 0.5, 0.5] };
  return new Map<string, GgufValue>([
    ["general.architecture", { type: "string", value: "clip" }],
    ["general.type", { type: "string", value: "mmproj" }],
    ["general.name", { type: "string", value: `${name}, made-up weights` }],
    ["clip.has_vision_encoder", { type: "bool", value: true }],
    ["clip.projector_type", { type: "string", value: vision.projector }],
    ["clip.use_gelu", { type: "bool", value: vision.gelu === "tanh" }],
    ...sizes.map(([key, value]): [string, GgufValue] => [`clip.vision.${key}`, { type: "uint32", value }]),
    ["clip.vision.attention.layer_norm_epsilon", { type: "float32", value: 1e-6 }],
    ["clip.vision.image_mean", halves],
    ["clip.vision.image_std", halves],
    ...(vision.projector === "resampler"
      ? ([
          ["clip.minicpmv_version", { type: "int32", value: 2 }],
          ["clip.minicpmv_query_num", { type: "uint32", value: QUERIES }],
        ] as const)
      : []),
  ]);
}

/** MiniCPM-V-2's queries: so many tokens a slice. */
const QUERIES = 64;

/** The tensors of a projector file in float16, as llama.cpp's converter writes it: vectors and embeddings in float32. */
export function visionTensors({ vision, language }: Peer): GgufTensorSource[] {
  return [...encoder(vision), ...PROJECTORS[vision.projector](vision, language.width)];
}

function encoder(shape: VisionShape): GgufTensorSource[] {
  const { width, intermediate, layers, patchSize, projector, positions } = shape;
  const patch: Shape = [width, 3, patchSize, patchSize];
  const out = [matrix("v.patch_embd.weight", patch)];
  if (projector === "qwen2vl_merger") out.push(matrix("v.patch_embd.weight.1", patch)); // of the second of two frames
  else out.push(...bias("v.patch_embd", width));
  if (projector === "internvl") out.push(madeUp("v.class_embd", "F32", [width], 0));
  if (positions > 0) out.push(madeUp("v.position_embd.weight", "F32", [positions, width], 0));
  if (projector !== "internvl") out.push(...norm("v.post_ln", width));
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string): string => `v.blk.${layer}.${part}`;
    out.push(...norm(name("ln1"), width), ...norm(name("ln2"), width));
    for (const part of ["attn_q", "attn_k", "attn_v", "attn_out"]) {
      out.push(...linear(name(part), width, width));
    }
    out.push(
      ...linear(name("ffn_up"), intermediate, width),
      ...linear(name("ffn_down"), width, intermediate),
    );
    if (projector !== "internvl") continue;
    out.push(
      madeUp(name("ls1.weight"), "F32", [width], 0.1),
      madeUp(name("ls2.weight"), "F32", [width], 0.1),
    );
  }
  return out;
}

type Projector = (shape: VisionShape, hidden: number) => GgufTensorSource[];

const PROJECTORS: Readonly<Record<VisionShape["projector"], Projector>> = {
  // four neighbouring patches side by side -> the same width -> one token
  qwen2vl_merger: ({ width }, hidden) => [
    ...linear("mm.0", 4 * width, 4 * width),
    ...linear("mm.2", hidden, 4 * width),
  ],
  internvl: ({ width }, hidden) => [
    ...norm("mm.model.mlp.0", 4 * width),
    ...linear("mm.model.mlp.1", hidden, 4 * width),
    ...linear("mm.model.mlp.3", hidden, hidden),
  ],
  // learned queries that look at the patches once
  resampler: ({ width, positions }, hidden) => [
    madeUp("resampler.query", "F32", [QUERIES, hidden], 0.01),
    madeUp("resampler.pos_embed_k", "F32", [positions, hidden], 0),
    matrix("resampler.kv.weight", [hidden, width]),
    ...["q", "k", "v", "out"].flatMap((part) => linear(`resampler.attn.${part}`, hidden, hidden)),
    ...["q", "kv", "post"].flatMap((part) => norm(`resampler.ln_${part}`, hidden)),
    matrix("resampler.proj.weight", [hidden, hidden]),
  ],
};

function matrix(name: string, shape: Shape): GgufTensorSource {
  return madeUp(name, "F16", shape);
}

function bias(name: string, outputs: number): GgufTensorSource[] {
  return [madeUp(`${name}.bias`, "F32", [outputs], 0)];
}

function linear(name: string, outputs: number, inputs: number): GgufTensorSource[] {
  return [matrix(`${name}.weight`, [outputs, inputs]), ...bias(name, outputs)];
}

function norm(name: string, width: number): GgufTensorSource[] {
  return [madeUp(`${name}.weight`, "F32", [width], 1), ...bias(name, width)];
}
