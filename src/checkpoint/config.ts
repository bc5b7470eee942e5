import { FlashSlothError } from "../core/errors.ts";
import { showShape, type Shape } from "../core/shape.ts";
import { PUBLISHED_VISION, type ConfigFile } from "./config-file.ts";
import { countLayers, DECODER, EMBQ, QUERIES, VISION_BLOCKS } from "./names.ts";
import type { CheckpointConfig } from "./types.ts";

/** Blocks of the published vision tower; `mm_vision_select_layer` -2 then leaves the last one out. */
const PUBLISHED_TOWER = 27;

export interface ResolvedConfig {
  readonly config: CheckpointConfig;
  /** blocks that the whole vision tower has, those beyond `config.vision.layers` unused */
  readonly towerLayers: number;
}

export interface ResolveOptions {
  readonly file: ConfigFile;
  /** shape of every tensor the checkpoint holds */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** where the configuration came from, for messages */
  readonly where: string;
}

/**
 * The sizes of a checkpoint: what `config.json` says, completed by what only the tensors tell.
 * @throws `checkpoint-invalid` naming the two that contradict each other
 */
export function resolveConfig(options: ResolveOptions): ResolvedConfig {
  const { file, shapes, where } = options;
  const refuse = (reason: string): never => {
    throw new FlashSlothError("checkpoint-invalid", `${where}: ${reason}`);
  };
  const sizesOf = (name: string, rank: number): Shape => {
    const shape = shapes.get(name);
    if (shape === undefined) {
      throw new FlashSlothError("checkpoint-invalid", `${where}: tensor ${name} is missing`);
    }
    if (shape.length !== rank) refuse(`tensor ${name} is ${showShape(shape)}, expected ${rank} axes`);
    return shape;
  };
  const divides = (parts: number, whole: number, what: string): void => {
    if (whole % parts !== 0) refuse(`${what}: ${whole} is not divisible by ${parts}`);
  };

  const heads = file.num_attention_heads;
  divides(heads, file.hidden_size, "hidden_size by num_attention_heads");
  const headDims = file.hidden_size / heads;
  const rotaryDims = Math.floor(file.partial_rotary_factor * headDims);
  if (rotaryDims < 2 || rotaryDims % 2 !== 0) {
    refuse(
      `partial_rotary_factor rotates ${rotaryDims} of a head's ${headDims} dimensions, not an even number`,
    );
  }
  if (file.num_key_value_heads != null && file.num_key_value_heads !== heads) {
    refuse(`num_key_value_heads ${file.num_key_value_heads} differs from num_attention_heads ${heads}`);
  }
  const layers = countLayers(shapes.keys(), DECODER);
  if (layers !== file.num_hidden_layers) {
    refuse(`num_hidden_layers is ${file.num_hidden_layers}, the tensors have ${layers} decoder layers`);
  }
  if (file.embq_layer >= layers) {
    refuse(`embq_layer ${file.embq_layer} is none of the ${layers} decoder layers`);
  }

  const tower = file.vision_config ?? PUBLISHED_VISION;
  divides(tower.num_attention_heads, tower.hidden_size, "vision_config: hidden_size by num_attention_heads");
  if (file.mm_hidden_size !== undefined && file.mm_hidden_size !== tower.hidden_size) {
    refuse(
      `mm_hidden_size ${file.mm_hidden_size} differs from the vision tower's width ${tower.hidden_size}`,
    );
  }
  const grid = Math.floor(tower.image_size / tower.patch_size);
  if (grid < 1) refuse(`vision_config: patch_size ${tower.patch_size} is larger than the image`);
  divides(file.sap_window, grid, "patches a side by sap_window");

  const [queries = 0] = sizesOf(QUERIES, 2);
  const [width = 0] = sizesOf(`${EMBQ}.down_projector_image.weight`, 2);
  const [valueWidth = 0] = sizesOf(`${EMBQ}.layers.0.i2q_attn.v_proj.weight`, 2);
  const embqHeads = file.embq_heads ?? heads;
  if (queries === 0) refuse(`tensor ${QUERIES} holds no query`);
  if (width === 0 || valueWidth === 0) refuse("EmbQ's attention is 0 wide");
  divides(embqHeads, width, "EmbQ's width by its heads");
  divides(embqHeads, valueWidth, "EmbQ's value width by its heads");

  const { used, towerLayers } = visionLayers(options, refuse);
  return {
    towerLayers,
    config: {
      text: {
        hiddenSize: file.hidden_size,
        intermediateSize: file.intermediate_size,
        layers,
        heads,
        vocabSize: file.vocab_size,
        contextLength: file.max_position_embeddings,
        ropeTheta: file.rope_theta,
        rotaryDims,
        normEps: file.layer_norm_eps,
      },
      vision: {
        hiddenSize: tower.hidden_size,
        intermediateSize: tower.intermediate_size,
        layers: used,
        heads: tower.num_attention_heads,
        imageSize: tower.image_size,
        patchSize: tower.patch_size,
        grid,
        normEps: tower.layer_norm_eps,
      },
      sap: { window: file.sap_window },
      embq: { layer: file.embq_layer, heads: embqHeads, queries, width, valueWidth },
      hd: file.image_hd,
    },
  };
}

/**
 * How many vision blocks are used. Upstream takes `hidden_states[select]`, of which a tower of N blocks has N + 1, so that -2 is
 * the output of block N - 1. A configuration with a `vision_config` that does not count the tower's blocks describes a
 * checkpoint that was saved without the unused ones.
 */
function visionLayers(
  { file, shapes }: ResolveOptions,
  refuse: (reason: string) => never,
): { used: number; towerLayers: number } {
  const stored = countLayers(shapes.keys(), VISION_BLOCKS);
  const select = file.mm_vision_select_layer;
  const towerLayers = file.vision_config?.num_hidden_layers ?? PUBLISHED_TOWER;
  const selected = towerLayers + 1 + select;
  if (selected < 1) {
    refuse(`mm_vision_select_layer ${select} is outside a vision tower of ${towerLayers} layers`);
  }
  const counted = file.vision_config === undefined || file.vision_config.num_hidden_layers !== undefined;
  if (counted && stored < selected) {
    refuse(`the tensors have ${stored} vision layers, the configuration needs ${selected}`);
  }
  const used = counted ? selected : Math.min(stored, selected);
  if (used === 0) refuse("the tensors have no vision layer");
  return { used, towerLayers };
}
