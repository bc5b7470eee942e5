import { countParts, type PartCount } from "../checkpoint/parts.ts";
import { surveyCheckpoint, type CheckpointSurvey } from "../checkpoint/survey.ts";
import type { OpenTower } from "../checkpoint/tower.ts";
import { convertibleOf } from "../convert/examine.ts";
import { modelGeometry } from "../convert/manifest.ts";
import { convertedBytes, conversionPeak } from "../convert/space.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { FolderFiles } from "../core/files/folder-files.ts";
import { variantOf, type Manifest, type ModelGeometry } from "../core/model/manifest.ts";
import {
  DEFAULT_QUANT,
  EXACT_PRECISION,
  parseQuant,
  parseVisionPrecision,
  type Variant,
  type WantedVariant,
} from "../core/model/variant.ts";
import type { StoredTensor } from "../formats/safetensors/file.ts";

/** A tensor as a list of them shows it. */
export type ListedTensor = Pick<StoredTensor, "name" | "dtype" | "shape">;

/** What a repository or a folder holds, as far as that can be told without its weights. */
export interface Inspection {
  /** `OWNER/REPO`, or the folder */
  readonly where: string;
  /** commit of the hub's repository; null for a folder */
  readonly revision: string | null;
  readonly kind: "checkpoint" | "converted";
  /** whether it can be converted, or used as it is */
  readonly usable: boolean;
  /** why not, all reasons */
  readonly problems: readonly string[];
  /** what is unusual and is survived */
  readonly remarks: readonly string[];
  readonly geometry: ModelGeometry | undefined;
  /** the tensors of the computation */
  readonly parts: readonly PartCount[];
  readonly missing: readonly string[];
  /** known, and never read */
  readonly unused: readonly ListedTensor[];
  /** left out, or refused when that is asked for */
  readonly unknown: readonly ListedTensor[];
  readonly tokenizer:
    | {
        readonly files: readonly string[];
        readonly tokens: number;
        readonly merges: number;
        readonly added: number;
      }
    | undefined;
  /** where the vision tower is from, when the weights lack it */
  readonly visionTower: string | undefined;
  readonly weights: readonly { readonly name: string; readonly size: number; readonly tensors: number }[];
  /** what making a model of it takes, in bytes; undefined where that cannot be told */
  readonly takes:
    | (Variant & {
        /** over the network; 0 for a folder, and for what the hub's tools have fetched */
        readonly fetch: number;
        /** on the disk, at the peak of the conversion, beside the checkpoint */
        readonly convert: number;
        /** on the disk in the end */
        readonly size: number;
      })
    | undefined;
}

/** What is looked at. */
export type Inspected = Pick<Inspection, "where" | "revision">;

/**
 * A converted model, by its manifest.
 * @param options.read the manifest, checked
 */
export async function inspectConverted(
  where: Inspected,
  options: { readonly remote: boolean; readonly read: () => Manifest | Promise<Manifest> },
): Promise<Inspection> {
  const nothing = { parts: [], missing: [], unused: [], unknown: [], weights: [] };
  const common = {
    ...where,
    kind: "converted",
    tokenizer: undefined,
    visionTower: undefined,
    ...nothing,
  } as const;
  try {
    const manifest = await options.read();
    const size = manifest.files.reduce((sum, file) => sum + file.size, 0);
    const { source, geometry } = manifest;
    const revision = source.revision === null ? "" : ` at ${source.revision.slice(0, 12)}`;
    const remarks = [`converted from ${source.repo}${revision} by ${manifest.createdBy}`];
    const takes = { ...variantOf(manifest), fetch: options.remote ? size : 0, convert: 0, size };
    return { ...common, usable: true, problems: [], remarks, geometry, takes };
  } catch (error) {
    if (!(error instanceof FlashSlothError) || error.code !== "model-invalid") throw error;
    return {
      ...common,
      usable: false,
      problems: [error.message],
      remarks: [],
      geometry: undefined,
      takes: undefined,
    };
  }
}

/** How a checkpoint is looked at. */
export interface Reading extends WantedVariant {
  readonly files: FolderFiles;
  readonly strict?: boolean | undefined;
  readonly openTower: OpenTower;
  /** Bytes that would come over the network, of these weights and so much of a vision tower. */
  readonly fetched: (weights: readonly string[], tower: number) => Promise<number>;
}

/** A checkpoint, by its small files and the headers of its weights. */
export async function inspectCheckpoint(where: Inspected, reading: Reading): Promise<Inspection> {
  const { files, strict, openTower, fetched } = reading;
  const survey = await surveyCheckpoint({ files, strict, openTower });
  try {
    const { problems, remarks, tokenizer, weights, match, tower } = survey;
    const names = weights?.files.map(({ name }) => name) ?? [];
    const fromTower = [...(match?.tensors.values() ?? [])].filter(({ name }) => tower?.tensors.has(name));
    const towerBytes = fromTower.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const takes = takesOf(survey, reading);
    return {
      ...where,
      kind: "checkpoint",
      usable: problems.length === 0,
      problems: problems.map(({ message }) => message),
      remarks,
      geometry: geometryOf(survey),
      parts: countParts(match?.tensors.values() ?? []),
      missing: match?.missing ?? [],
      unused: (match?.unused ?? []).map(listed),
      unknown: (match?.unknown ?? []).map(listed),
      tokenizer: tokenizer && {
        files: tokenizer.files,
        tokens: tokenizer.tokenizer.tokens.length,
        merges: tokenizer.tokenizer.merges.length,
        added: tokenizer.tokenizer.added.length,
      },
      visionTower: tower?.from,
      weights: weights?.files ?? [],
      takes: takes && { ...takes, fetch: await fetched(names, towerBytes) },
    };
  } finally {
    await survey.close();
  }
}

function listed({ name, dtype, shape }: StoredTensor): ListedTensor {
  return { name, dtype, shape };
}

function geometryOf({ resolved, tokenizer }: CheckpointSurvey): ModelGeometry | undefined {
  return resolved && tokenizer && modelGeometry(resolved.config, tokenizer.tokenizer);
}

function takesOf(
  survey: CheckpointSurvey,
  wanted: WantedVariant,
): Omit<NonNullable<Inspection["takes"]>, "fetch"> | undefined {
  const checkpoint = convertibleOf(survey);
  if (checkpoint === undefined || survey.problems.length > 0) return undefined;
  const quant = parseQuant(wanted.quant ?? DEFAULT_QUANT);
  const precision = parseVisionPrecision(wanted.visionPrecision ?? EXACT_PRECISION);
  const options = { checkpoint, quant, precision };
  return {
    quant,
    visionPrecision: precision,
    convert: Math.ceil(conversionPeak(options)),
    size: Math.ceil(convertedBytes(options)),
  };
}
