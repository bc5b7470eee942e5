import * as v from "valibot";
import { FlashSlothError } from "../core/errors.ts";
import type { FolderFiles } from "../core/files/folder-files.ts";
import { CONFIG_FILE } from "./file-names.ts";
import { parseJson, readText } from "./read-text.ts";

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
  readonly num_hidden_layers?: number | null | undefined;
}

/**
 * `config.json`, with the published values where it is silent or says null; not yet checked against the tensors. Keys that are not
 * here change nothing in the computation, or are known from the tensors (`torch_dtype`).
 */
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
  readonly mm_hidden_size?: number | null | undefined;
  readonly vision_config?: VisionConfigFile | null | undefined;
  readonly embq_layer: number;
  readonly embq_heads?: number | null | undefined;
  readonly sap_window: number;
  /** the output matrix is the embedding table */
  readonly tie_word_embeddings: boolean;
  /** where training took the vision tower from: a repository of the hub, or a folder of another machine */
  readonly mm_vision_tower?: string | null | undefined;
  readonly image_aspect_ratio?: unknown;
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
  hidden_size: v.nullish(width, PUBLISHED_VISION.hidden_size),
  intermediate_size: v.nullish(width, PUBLISHED_VISION.intermediate_size),
  num_attention_heads: v.nullish(width, PUBLISHED_VISION.num_attention_heads),
  image_size: v.nullish(upTo(MAX_IMAGE_SIDE), PUBLISHED_VISION.image_size),
  patch_size: v.nullish(upTo(MAX_IMAGE_SIDE), PUBLISHED_VISION.patch_size),
  layer_norm_eps: v.nullish(epsilon, PUBLISHED_VISION.layer_norm_eps),
  num_hidden_layers: v.nullish(layers),
  hidden_act: v.nullish(v.literal("gelu_pytorch_tanh")),
});

const configSchema: v.GenericSchema<unknown, ConfigFile> = v.object({
  hidden_size: width,
  intermediate_size: width,
  num_hidden_layers: layers,
  num_attention_heads: width,
  num_key_value_heads: v.nullish(width),
  vocab_size: upTo(MAX_VOCABULARY),
  partial_rotary_factor: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)),
  rope_theta: v.nullish(v.pipe(v.number(), v.minValue(1), v.maxValue(1e12)), 10_000),
  rope_scaling: v.nullish(v.null()),
  layer_norm_eps: v.nullish(epsilon, 1e-5),
  max_position_embeddings: v.nullish(upTo(MAX_CONTEXT), 2048),
  hidden_act: v.nullish(v.picklist(["gelu_new", "gelu_fast", "gelu_pytorch_tanh"])),
  qk_layernorm: v.nullish(v.literal(false)),
  image_hd: v.nullish(v.boolean(), false),
  mm_vision_select_layer: v.nullish(
    v.pipe(v.number(), v.safeInteger(), v.minValue(-MAX_LAYERS), v.maxValue(-1)),
    -2,
  ),
  mm_projector_type: v.nullish(v.literal("mlp2x_gelu")),
  mm_hidden_size: v.nullish(width),
  vision_config: v.nullish(visionSchema),
  embq_layer: v.nullish(layers, 7),
  embq_heads: v.nullish(width),
  sap_window: v.nullish(width, 3),
  tie_word_embeddings: v.nullish(v.boolean(), false),
  mm_vision_tower: v.fallback(v.nullish(v.string()), undefined),
  image_aspect_ratio: v.optional(v.unknown()),
});

const MAX_BYTES = 1024 * 1024;

/** `config.json` of a folder. @throws `checkpoint-invalid` when it is missing or does not fit */
export async function readConfigFile(files: FolderFiles): Promise<ConfigFile> {
  const path = files.pathOf(CONFIG_FILE);
  return parseConfigFile(parseJson(await readText(files, CONFIG_FILE, MAX_BYTES), path), path);
}

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
