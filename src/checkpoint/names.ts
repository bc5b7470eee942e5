import type { CheckpointConfig } from "./types.ts";

/** Where the parts of a FlashSloth lie among a checkpoint's tensors. */
export const TOKEN_EMBEDDING = "model.embed_tokens.weight";
export const DECODER = "model.layers";
export const FINAL_NORM = "model.final_layernorm";
export const HEAD = "lm_head";
export const QUERIES = "model.learnable_tokens.token";
export const EMBQ = "model.lqformer";
export const EMBQ_LAYER: string = `${EMBQ}.layers.0`;
export const SAP = "model.pooling.mlp";
export const PROJECTOR = "model.mm_projector";
export const VISION = "model.vision_tower.vision_tower.vision_model";
export const VISION_BLOCKS: string = `${VISION}.encoder.layers`;

/** What SigLIP's own repositories leave out in front of its tensors' names. */
export const TOWER_PREFIX = "model.vision_tower.vision_tower.";

/** Buffers and vision parts that a checkpoint may hold and the computation never reads. */
const UNUSED: readonly RegExp[] = [
  /^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.(inv_freq|cos_cached|sin_cached)$/,
  /^model\.vision_tower\.vision_tower\.vision_model\.embeddings\.position_ids$/,
  /^model\.vision_tower\.vision_tower\.vision_model\.post_layernorm\.(weight|bias)$/,
  /^model\.vision_tower\.vision_tower\.vision_model\.head\./,
];

/** The number in `PREFIX.NUMBER.rest`; undefined for another name. */
function layerOf(name: string, prefix: string): number | undefined {
  if (!name.startsWith(`${prefix}.`)) return undefined;
  const [number] = name.slice(prefix.length + 1).split(".", 1);
  return number !== undefined && /^(0|[1-9]\d{0,5})$/.test(number) ? Number(number) : undefined;
}

/** Whether a tensor belongs to the vision tower. */
export function isVision(name: string): boolean {
  return name.startsWith(`${VISION}.`);
}

/** What a tensor belongs to, in the words of a table. */
export function partOf(name: string): string {
  const parts: readonly (readonly [prefix: string, part: string])[] = [
    [`${VISION}.`, "vision tower"],
    [`${SAP}.`, "spatial attention pooling"],
    [`${PROJECTOR}.`, "projector"],
    [`${EMBQ}.`, "EmbQ"],
    [QUERIES, "query vectors"],
    [TOKEN_EMBEDDING, "token embeddings"],
    [`${HEAD}.`, "output"],
  ];
  return parts.find(([prefix]) => name.startsWith(prefix))?.[1] ?? "decoder layers";
}

/** One more than the highest layer number under `prefix`; 0 when there is none. */
export function countLayers(names: Iterable<string>, prefix: string): number {
  let count = 0;
  for (const name of names) count = Math.max(count, (layerOf(name, prefix) ?? -1) + 1);
  return count;
}

/**
 * Whether a tensor may be there without being part of the computation.
 * @param towerLayers blocks of the whole vision tower (27), of which the first `vision.layers` are used
 */
export function isUnused(name: string, config: CheckpointConfig, towerLayers: number): boolean {
  const block = layerOf(name, VISION_BLOCKS);
  if (block !== undefined) return block >= config.vision.layers && block < towerLayers;
  return UNUSED.some((pattern) => pattern.test(name));
}
