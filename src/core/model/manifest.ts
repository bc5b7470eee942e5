import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { FlashSlothError, systemCode } from "../errors.ts";
import { referenceSchema, type Reference } from "./reference.ts";
import { count, index } from "../numbers.ts";
import { namedBudget, type Variant } from "./variant.ts";
import { visionAccuracy, visionAccuracySchema, type VisionAccuracy } from "./vision-accuracy.ts";

/** Raised when a converted folder written by an older release can no longer be loaded. */
export const FORMAT_VERSION = 1 as const;
export const MANIFEST_FILE = "manifest.json";
/** The model card, which travels with a model and is no part of it: its owner may write what he wants. */
export const CARD_FILE = "README.md";

/** Sizes that only the arithmetic of a benchmark needs. */
export interface LayerSizes {
  /** blocks of the vision encoder that are used (26), and the width between a block's two matrices (4304) */
  readonly visionLayers: number;
  readonly visionIntermediate: number;
  /** side of a patch in pixels (14) */
  readonly patchSize: number;
  /** width between the two matrices of a decoder layer's MLP (10240) */
  readonly intermediateSize: number;
  /** EmbQ's attention width (576), and the width of its second attention's values (1152) */
  readonly embqWidth: number;
  readonly embqValueWidth: number;
}

/** Every size the runtime needs, read from the checkpoint at conversion. */
export interface ModelGeometry {
  /** side of one crop in pixels, S (384) */
  readonly imageSize: number;
  /** `squash`: one crop; `tiles`: the squash, then four tiles of the padded picture at 2S x 2S (HD) */
  readonly crops: "squash" | "tiles";
  /** raw vision features of one crop (729) */
  readonly featuresPerCrop: number;
  /** width of a raw feature (1152) */
  readonly featureWidth: number;
  /** visual tokens of one crop after spatial attention pooling (81) */
  readonly tokensPerCrop: number;
  /** width of the language model (2560) */
  readonly hiddenSize: number;
  /** decoder layers (32) */
  readonly layers: number;
  readonly vocabSize: number;
  /** longest context in positions (2048) */
  readonly contextLength: number;
  /** EmbQ's query vectors (9) */
  readonly queries: number;
  /** zero-based decoder layer that reads EmbQ's output (7) */
  readonly embqLayer: number;
  /** ids that end an answer */
  readonly endTokens: readonly number[];
  /** @default unknown: the folder was written before these were recorded */
  readonly layerSizes?: LayerSizes | undefined;
}

export interface ManifestFile {
  readonly name: string;
  /** bytes */
  readonly size: number;
  /** lower-case hex */
  readonly sha256: string;
}

/** What a model folder contains and how its parts fit together. Written last: a folder without it is no model. */
export interface Manifest {
  readonly format: typeof FORMAT_VERSION;
  readonly name: string;
  readonly source: {
    /** `Tongbo/FlashSloth-3.2B`, or the folder it was converted from */
    readonly repo: string;
    /** commit of the hub repository; null for a folder */
    readonly revision: string | null;
  };
  /**
   * Where the converted files themselves were fetched from: `team/sloth-q4` and its commit, or a folder.
   * @default they were made here
   */
  readonly fetchedFrom?: { readonly repo: string; readonly revision: string | null } | undefined;
  readonly license: string;
  /** `flashsloth 0.1.0` */
  readonly createdBy: string;
  /** the language model's weight type: f16, q4_k_m, … */
  readonly quant: string;
  /** @default fp32, which is exact */
  readonly vision?: VisionAccuracy | undefined;
  readonly geometry: ModelGeometry;
  /** the files that the runtime opens; each is listed in `files` too */
  readonly roles: {
    /** ONNX: pixels uint8 [1, S, S, 3] -> features [1, 729, 1152], visual_tokens [1, 81, hidden] */
    readonly vision: string;
    /**
     * ONNX: the same for any number of crops in one run; its weights lie in the vision graph's data.
     * @default the folder has none: every crop is a run of its own
     */
    readonly visionBatch?: string | undefined;
    /** ONNX: as `visionBatch`, with the encoder's products in float16, for GPUs that are exact enough so. @default the folder has none */
    readonly visionHalf?: string | undefined;
    /** ONNX: queries [9, hidden], text [T, hidden], features [F, 1152] -> queries_out [9, hidden] */
    readonly embq: string;
    /** GGUF, architecture phi2 */
    readonly language: string;
    /** raw little-endian float32 [9, hidden]: what stands in the prompt at the queries' positions */
    readonly queries: string;
    /**
     * ONNX: features [crops, 729, 1152] -> visual_tokens [crops, 729, hidden], the projector without pooling, for
     * benchmarks; its weights lie in the vision graph's data. @default the folder has none
     */
    readonly uncompressed?: string | undefined;
    /**
     * ONNX: queries [9, hidden], text [T, hidden], features [F, 1152] -> attention [1, heads, 9, F], what EmbQ's queries look
     * at; its weights lie in EmbQ's data. @default the folder has none
     */
    readonly embqLook?: string | undefined;
    /**
     * ONNX: features [1, 729, 1152] -> attention [1, 81, 1, 9], what each visual token was made of; its weights lie in the
     * vision graph's data. @default the folder has none
     */
    readonly sapLook?: string | undefined;
  };
  /** byte offset in the language file of the token embedding table: float16, [vocabSize, hiddenSize] */
  readonly embeddings: { readonly offset: number };
  readonly files: readonly ManifestFile[];
  /**
   * What the model computes on a CPU, for other devices to be compared with.
   * @default unknown: it is computed here when another device is to be used
   */
  readonly reference?: Reference | undefined;
}

/** A plain name inside the model's folder: no separators, so a manifest can never point outside. */
const fileName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, ({ input }) => `${JSON.stringify(input)} is no plain file name`),
);

const manifestSchema: v.GenericSchema<unknown, Manifest> = v.object({
  format: v.literal(FORMAT_VERSION),
  name: v.string(),
  source: v.object({ repo: v.string(), revision: v.nullable(v.string()) }),
  fetchedFrom: v.optional(v.object({ repo: v.string(), revision: v.nullable(v.string()) })),
  license: v.string(),
  createdBy: v.string(),
  quant: v.string(),
  vision: v.optional(visionAccuracySchema),
  geometry: v.object({
    imageSize: count,
    crops: v.picklist(["squash", "tiles"]),
    featuresPerCrop: count,
    featureWidth: count,
    tokensPerCrop: count,
    hiddenSize: count,
    layers: count,
    vocabSize: count,
    contextLength: count,
    queries: count,
    embqLayer: count,
    endTokens: v.array(index),
    layerSizes: v.optional(
      v.object({
        visionLayers: count,
        visionIntermediate: count,
        patchSize: count,
        intermediateSize: count,
        embqWidth: count,
        embqValueWidth: count,
      }),
    ),
  }),
  roles: v.object({
    vision: fileName,
    visionBatch: v.optional(fileName),
    visionHalf: v.optional(fileName),
    embq: fileName,
    language: fileName,
    queries: fileName,
    uncompressed: v.optional(fileName),
    embqLook: v.optional(fileName),
    sapLook: v.optional(fileName),
  }),
  embeddings: v.object({ offset: index }),
  files: v.array(
    v.object({ name: fileName, size: index, sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
  ),
  reference: v.optional(referenceSchema),
});

/** Which conversion a manifest describes. */
export function variantOf(manifest: Pick<Manifest, "quant" | "vision">): Variant {
  const { precision, mixed } = visionAccuracy(manifest);
  return {
    quant: manifest.quant,
    visionPrecision: precision,
    visionBudget: namedBudget(mixed?.budget),
  };
}

/** Number of crops a picture is cut into. */
export function cropCount(geometry: Pick<ModelGeometry, "crops">): number {
  return geometry.crops === "tiles" ? 5 : 1;
}

const formatSchema = v.object({ format: v.number() });

function refuseOtherFormat(json: unknown, where: string): void {
  const parsed = v.safeParse(formatSchema, json);
  if (!parsed.success || parsed.output.format === FORMAT_VERSION) return;
  const { format } = parsed.output;
  const hint =
    format > FORMAT_VERSION
      ? "it was written by a newer release: update flashsloth"
      : "it was written by an older release: convert the model again";
  throw new FlashSlothError(
    "model-invalid",
    `${where} is of format ${format}, this release reads format ${FORMAT_VERSION}`,
    { hint },
  );
}

/** @throws `model-invalid` naming the format, or the first field that does not fit */
export function parseManifest(text: string, where: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new FlashSlothError("model-invalid", `${where} is not JSON`, { cause: error });
  }
  const parsed = v.safeParse(manifestSchema, json);
  if (!parsed.success) {
    refuseOtherFormat(json, where);
    const [issue] = parsed.issues;
    throw new FlashSlothError(
      "model-invalid",
      `${where}: ${v.getDotPath(issue) ?? "manifest"}: ${issue.message}`,
      {
        hint: "remove the folder and convert or pull the model again",
      },
    );
  }
  return parsed.output;
}

/**
 * The manifest of a model folder.
 * @throws `model-missing` when the folder has none, `model-invalid` when it is damaged
 */
export async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, MANIFEST_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const missing = systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR";
    throw new FlashSlothError(
      missing ? "model-missing" : "model-invalid",
      missing ? `${directory} holds no converted model (no ${MANIFEST_FILE})` : `${path} cannot be read`,
      { cause: error },
    );
  }
  return parseManifest(text, path);
}
