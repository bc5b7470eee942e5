import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copyTokenizer } from "./parity.ts";
import { type TensorOptions, writeTensors } from "./safetensors.ts";
import { checkpointShapes, PUBLISHED_SIZES, type SyntheticSizes } from "./shapes.ts";

/** The size at which the published checkpoints are cut into shards. */
export const PUBLISHED_SHARD_BYTES = 5_000_000_000;

export interface SyntheticCheckpointOptions extends TensorOptions {
  /** Created if it does not exist. */
  readonly directory: string;
  /** @default the published sizes: 6.5 GB, about a minute */
  readonly sizes?: SyntheticSizes | undefined;
  /** Five crops instead of one, in `config.json`; the tensors are the same. @default false */
  readonly hd?: boolean | undefined;
  /** Largest size of one file in bytes. @default 5 GB, as published */
  readonly shardBytes?: number | undefined;
  /** Also the vision block, norm and head that published checkpoints hold and nothing reads. @default true */
  readonly unused?: boolean | undefined;
}

/** What `config.json` says; like the published one it describes the vision tower only where the sizes differ. */
function configOf(sizes: SyntheticSizes, hd: boolean, unused: boolean): Record<string, unknown> {
  const config = {
    model_type: "flashsloth",
    architectures: ["FlashSlothForCausalLM"],
    vocab_size: sizes.vocabSize,
    hidden_size: sizes.hiddenSize,
    intermediate_size: sizes.intermediateSize,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    partial_rotary_factor: sizes === PUBLISHED_SIZES ? 0.4 : 0.5,
    rope_theta: 10_000,
    layer_norm_eps: 1e-5,
    hidden_act: "gelu_new",
    max_position_embeddings: 2048,
    image_hd: hd,
    image_aspect_ratio: "square",
    mm_vision_select_layer: -2,
    mm_projector_type: "mlp2x_gelu",
    mm_hidden_size: sizes.vision.hiddenSize,
    torch_dtype: "float16",
  };
  if (sizes === PUBLISHED_SIZES) return config;
  return {
    ...config,
    vision_config: {
      hidden_size: sizes.vision.hiddenSize,
      intermediate_size: sizes.vision.intermediateSize,
      ...(unused ? { num_hidden_layers: sizes.vision.layers + 1 } : {}),
      num_attention_heads: sizes.vision.heads,
      image_size: sizes.vision.imageSize,
      patch_size: sizes.vision.patchSize,
      layer_norm_eps: 1e-6,
    },
  };
}

/**
 * Writes a FlashSloth checkpoint of any size in the hub's layout, with the real tokenizer and weights that follow from the
 * tensors' names. It answers nonsense; loading, converting and running it costs what the published one costs.
 */
export async function writeSyntheticCheckpoint(options: SyntheticCheckpointOptions): Promise<void> {
  const { directory, sizes = PUBLISHED_SIZES, hd = false, unused = true } = options;
  await mkdir(directory, { recursive: true });
  await copyTokenizer(directory);
  const config = configOf(sizes, hd, unused);
  await writeFile(join(directory, "config.json"), `${JSON.stringify(config, undefined, 2)}\n`);
  await writeTensors({
    directory,
    tensors: checkpointShapes(sizes, unused),
    shardBytes: options.shardBytes ?? PUBLISHED_SHARD_BYTES,
    outliers: options.outliers,
    onBytes: options.onBytes,
  });
}
