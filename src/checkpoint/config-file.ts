import * as v from "valibot";
import { FlashSlothError } from "../core/errors.ts";

/** Far beyond any model of this kind: a larger number is a damaged or hostile file, and would cost memory before it fails. */
const MAX_WIDTH = 131_072;
const MAX_LAYERS = 1024;
const MAX_VOCABULARY = 4_194_304;
const MAX_CONTEXT = 1_048_576;
const MAX_IMAGE_SIDE = 8192;

/** A vision tower as `vision_config` describes it. */
export interface VisionConfigFile {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_attention_heads: number;
  readonly image_size: number;
  readonly patch_size: number;
  readonly layer_norm_eps: number;
  /** blocks of the whole tower, used or not */
  readonly num_hidden_layers?: number | undefined;
}

/** `config.json`, with the published values where it is silent; not yet checked against the tensors. */
export interface ConfigFile {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number | null | undefined;
  readonly vocab_size: number;
  readonly partial_rotary_factor: number;
  readonly rope_theta: number;
  readonly layer_norm_eps: number;
  readonly max_position_embeddings: number;
  readonly image_hd: boolean;
  readonly mm_vision_select_layer: number;
  readonly mm_hidden_size?: number | undefined;
  readonly vision_config?: VisionConfigFile | undefined;
  readonly embq_layer: number;
  readonly embq_heads?: number | undefined;
  readonly sap_window: number;
}

/** The published vision tower, SigLIP so400m at 384 pixels: what holds where a configuration does not describe its own. */
export const PUBLISHED_VISION: VisionConfigFile = {
  hidden_size: 1152,
  intermediate_size: 4304,
  num_attention_heads: 16,
  image_size: 384,
  patch_size: 14,
  layer_norm_eps: 1e-6,
};

function upTo(limit: number): v.GenericSchema<unknown, number> {
  return v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limit));
}
const width: v.GenericSchema<unknown, number> = upTo(MAX_WIDTH);
const layers: v.GenericSchema<unknown, number> = upTo(MAX_LAYERS);
const epsilon: v.GenericSchema<unknown, number> = v.pipe(v.number(), v.gtValue(0), v.maxValue(0.1));

const visionSchema: v.GenericSchema<unknown, VisionConfigFile> = v.object({
  hidden_size: v.optional(width, PUBLISHED_VISION.hidden_size),
  intermediate_size: v.optional(width, PUBLISHED_VISION.intermediate_size),
  num_attention_heads: v.optional(width, PUBLISHED_VISION.num_attention_heads),
  image_size: v.optional(upTo(MAX_IMAGE_SIDE), PUBLISHED_VISION.image_size),
  patch_size: v.optional(upTo(MAX_IMAGE_SIDE), PUBLISHED_VISION.patch_size),
  layer_norm_eps: v.optional(epsilon, PUBLISHED_VISION.layer_norm_eps),
  num_hidden_layers: v.optional(layers),
  hidden_act: v.optional(v.literal("gelu_pytorch_tanh")),
});

const configSchema: v.GenericSchema<unknown, ConfigFile> = v.object({
  hidden_size: width,
  intermediate_size: width,
  num_hidden_layers: layers,
  num_attention_heads: width,
  num_key_value_heads: v.nullish(width),
  vocab_size: upTo(MAX_VOCABULARY),
  partial_rotary_factor: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)),
  rope_theta: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(1e12)), 10_000),
  rope_scaling: v.optional(v.null()),
  layer_norm_eps: v.optional(epsilon, 1e-5),
  max_position_embeddings: v.optional(upTo(MAX_CONTEXT), 2048),
  hidden_act: v.optional(v.picklist(["gelu_new", "gelu_pytorch_tanh"])),
  qk_layernorm: v.optional(v.literal(false)),
  image_hd: v.optional(v.boolean(), false),
  mm_vision_select_layer: v.optional(
    v.pipe(v.number(), v.safeInteger(), v.minValue(-MAX_LAYERS), v.maxValue(-1)),
    -2,
  ),
  mm_projector_type: v.optional(v.literal("mlp2x_gelu")),
  mm_hidden_size: v.optional(width),
  vision_config: v.optional(visionSchema),
  embq_layer: v.optional(layers, 7),
  embq_heads: v.optional(width),
  sap_window: v.optional(width, 3),
});

/** @throws `checkpoint-invalid` naming the first field that does not fit */
export function parseConfigFile(json: unknown, file: string): ConfigFile {
  const parsed = v.safeParse(configSchema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new FlashSlothError(
    "checkpoint-invalid",
    `${file}: ${v.getDotPath(issue) ?? "the configuration"}: ${issue.message}`,
    { hint: "flashsloth reads FlashSloth checkpoints: a Phi-2 language model with SigLIP, SAP and EmbQ" },
  );
}
