import { FlashSlothError } from "../core/errors.ts";
import { showShape, type Shape } from "../core/model/shape.ts";
import { PUBLISHED_VISION, type ConfigFile } from "./config-file.ts";
import { countLayers, DECODER, EMBQ, EMBQ_LAYER, QUERIES, VISION_BLOCKS } from "./names.ts";
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

/** What is being resolved, and how to refuse it. */
interface Resolving {
  readonly file: ConfigFile;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly refuse: (reason: string) => never;
}

/**
 * The sizes of a checkpoint: what `config.json` says, completed by what only the tensors tell.
 * @throws `checkpoint-invalid` naming the two that contradict each other
 */
export function resolveConfig(options: ResolveOptions): ResolvedConfig {
  const { file, shapes, where } = options;
  const resolving: Resolving = {
    file,
    shapes,
    refuse: (reason) => {
      throw new FlashSlothError("checkpoint-invalid", `${where}: ${reason}`);
    },
  };
  const text = textSizes(resolving);
  const towerLayers = file.vision_config?.num_hidden_layers ?? PUBLISHED_TOWER;
  const vision = visionSizes(resolving, towerLayers);
  checkDivides(resolving, "patches a side by sap_window", vision.grid, file.sap_window);
  const embq = embqSizes(resolving, text.layers);
  return {
    towerLayers,
    config: { text, vision, sap: { window: file.sap_window }, embq, hd: file.image_hd },
  };
}

function checkDivides({ refuse }: Resolving, what: string, whole: number, parts: number): void {
  if (whole % parts !== 0) refuse(`${what}: ${whole} is not divisible by ${parts}`);
}

function textSizes(resolving: Resolving): CheckpointConfig["text"] {
  const { file, shapes, refuse } = resolving;
  const { hidden_size: hiddenSize, num_attention_heads: heads, num_key_value_heads: keyHeads } = file;
  checkDivides(resolving, "hidden_size by num_attention_heads", hiddenSize, heads);
  if (keyHeads != null && keyHeads !== heads) {
    refuse(`num_key_value_heads ${keyHeads} differs from num_attention_heads ${heads}`);
  }
  const headDims = hiddenSize / heads;
  const rotaryDims = Math.floor(file.partial_rotary_factor * headDims);
  if (rotaryDims < 2 || rotaryDims % 2 !== 0) {
    refuse(
      `partial_rotary_factor rotates ${rotaryDims} of a head's ${headDims} dimensions, not an even number`,
    );
  }
  const layers = countLayers(shapes.keys(), DECODER);
  if (layers !== file.num_hidden_layers) {
    refuse(`num_hidden_layers is ${file.num_hidden_layers}, the tensors have ${layers} decoder layers`);
  }
  return {
    hiddenSize,
    intermediateSize: file.intermediate_size,
    layers,
    heads,
    vocabSize: file.vocab_size,
    contextLength: file.max_position_embeddings,
    ropeTheta: file.rope_theta,
    rotaryDims,
    normEps: file.layer_norm_eps,
  };
}

function visionSizes(resolving: Resolving, towerLayers: number): CheckpointConfig["vision"] {
  const { file, refuse } = resolving;
  const tower = file.vision_config ?? PUBLISHED_VISION;
  const { hidden_size: hiddenSize, num_attention_heads: heads } = tower;
  checkDivides(resolving, "vision_config: hidden_size by num_attention_heads", hiddenSize, heads);
  if (file.mm_hidden_size != null && file.mm_hidden_size !== hiddenSize) {
    refuse(`mm_hidden_size ${file.mm_hidden_size} differs from the vision tower's width ${hiddenSize}`);
  }
  const grid = Math.floor(tower.image_size / tower.patch_size);
  if (grid < 1) {
    refuse(`vision_config: patch_size ${tower.patch_size} is larger than image_size ${tower.image_size}`);
  }
  return {
    hiddenSize,
    intermediateSize: tower.intermediate_size,
    layers: visionLayers(resolving, towerLayers),
    heads,
    imageSize: tower.image_size,
    patchSize: tower.patch_size,
    grid,
    normEps: tower.layer_norm_eps,
  };
}

/**
 * How many vision blocks are used. Upstream takes `hidden_states[select]`, of which a tower of N blocks has N + 1, so that -2 is
 * the output of block N - 1. A configuration with a `vision_config` that does not count the tower's blocks describes a
 * checkpoint that was saved without the unused ones.
 */
function visionLayers({ file, shapes, refuse }: Resolving, towerLayers: number): number {
  const select = file.mm_vision_select_layer;
  const selected = towerLayers + 1 + select;
  if (selected < 1) {
    refuse(`mm_vision_select_layer ${select} is outside a vision tower of ${towerLayers} layers`);
  }
  const stored = countLayers(shapes.keys(), VISION_BLOCKS);
  if (stored === 0) refuse("the tensors have no vision layer");
  const counted = file.vision_config == null || file.vision_config.num_hidden_layers != null;
  if (!counted) return Math.min(stored, selected);
  if (stored < selected) {
    refuse(`the tensors have ${stored} vision layers, the configuration needs ${selected}`);
  }
  return selected;
}

function embqSizes(resolving: Resolving, layers: number): CheckpointConfig["embq"] {
  const { file, refuse } = resolving;
  const layer = file.embq_layer;
  if (layer >= layers) refuse(`embq_layer ${layer} is none of the ${layers} decoder layers`);
  const queries = firstSize(resolving, QUERIES);
  const width = firstSize(resolving, `${EMBQ}.down_projector_image.weight`);
  const valueWidth = firstSize(resolving, `${EMBQ_LAYER}.i2q_attn.v_proj.weight`);
  const heads = file.embq_heads ?? file.num_attention_heads;
  checkDivides(resolving, "EmbQ's width by its heads", width, heads);
  checkDivides(resolving, "EmbQ's value width by its heads", valueWidth, heads);
  return { layer, heads, queries, width, valueWidth };
}

/** Rows of a matrix that must be there. */
function firstSize({ shapes, refuse }: Resolving, name: string): number {
  const shape = shapes.get(name) ?? refuse(`tensor ${name} is missing from the checkpoint`);
  const [rows] = shape;
  if (shape.length !== 2 || rows === undefined || rows === 0) {
    return refuse(`tensor ${name} has shape ${showShape(shape)}, expected a matrix`);
  }
  return rows;
}
