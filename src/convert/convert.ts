import { basename, dirname, join, resolve } from "node:path";
import { openCheckpoint } from "../checkpoint/open.ts";
import type { Checkpoint } from "../checkpoint/types.ts";
import { DiskFolder } from "../core/files/folder-files.ts";
import { requireSpace } from "../core/files/disk-space.ts";
import { FlashSlothError } from "../core/errors.ts";
import { folderFingerprint } from "../core/files/fingerprint.ts";
import { FORMAT_VERSION, type Manifest } from "../core/model/manifest.ts";
import type { VisionAccuracy } from "../core/model/vision-accuracy.ts";
import type { Reference } from "../core/model/reference.ts";
import { PRODUCT } from "../core/version.ts";
import {
  EXACT_PRECISION,
  EXACT_QUANT,
  parseQuant,
  parseVisionBudget,
  parseVisionPrecision,
  type Quant,
  type WantedVariant,
} from "../core/model/variant.ts";
import { writeModelCard } from "./card.ts";
import { FILES, partsAmong } from "./files.ts";
import { conversionKey, type FinishedFiles } from "./finished.ts";
import { findEmbeddings } from "./language/embeddings.ts";
import type { ModelDescription, ModelSource } from "./language/metadata.ts";
import { quantizeLanguage } from "./language/quantize.ts";
import { writeQueries } from "./language/queries.ts";
import { PUBLISHED_LICENSE, statedLicense } from "./license.ts";
import { languageBytes } from "./language/sizes.ts";
import { typesByName } from "./language/tensor-types.ts";
import { writeLanguage } from "./language/write.ts";
import { describeFiles, measureFiles, modelGeometry, writeManifest } from "./manifest.ts";
import { requireCalibration } from "./mixed/pictures.ts";
import { embqLookGraph } from "./onnx/look.ts";
import { writeGraphPart } from "./onnx/part.ts";
import { embqGraph, writeEmbqGraph } from "./onnx/write.ts";
import { throwIfAborted, type ConvertProgress, type ConvertStage, type OnWritten } from "./progress.ts";
import { conversionPeak } from "./space.ts";
import { fillStaged } from "./staging.ts";
import { checkApart } from "./target.ts";
import { readAccuracy, type VisionChoice, visionFiles, visionRoles, writeVision } from "./vision.ts";

/** A variant that is left open is the exact one. */
export interface ConvertOptions extends WantedVariant {
  /** A folder in the hub's layout: safetensors, config.json, tokenizer files. */
  readonly checkpoint: string;
  /** The model's folder; it appears when everything in it is complete. Parents are created. */
  readonly out: string;
  /** What the model is called in its manifest and in the language file. */
  readonly name: string;
  /** Where the checkpoint comes from. @default the checkpoint's folder, no revision */
  readonly source?: ModelSource | undefined;
  /**
   * Identifier of the weights' licence.
   * @default what the checkpoint's `README.md` states, else "apache-2.0", that of the published weights
   */
  readonly license?: string | undefined;
  /** Replace a model that is already in `out`. @default false */
  readonly overwrite?: boolean | undefined;
  /** Refuse tensors that no part of a FlashSloth needs; else they are left out. @default false */
  readonly strict?: boolean | undefined;
  /**
   * Folder or safetensors file of the vision tower, for a checkpoint whose weights lack it.
   * @default `vision_tower.safetensors` in the checkpoint's folder
   */
  readonly visionTower?: string | undefined;
  /** Told once what is unusual about the checkpoint and left out or passed over, a sentence each. @default nobody */
  readonly onRemark?: ((remark: string) => void) | undefined;
  /**
   * Computes what the finished model makes of a known picture on the CPU, which its manifest says from then on, for other devices to
   * be compared with; undefined where that is not possible here. @default the manifest does not say
   */
  readonly measureReference?: ((directory: string) => Promise<Reference | undefined>) | undefined;
  /** @default nobody */
  readonly onProgress?: ((progress: ConvertProgress) => void) | undefined;
  /** Stops within a moment; what is finished stays in `<out>.partial`, and the next run goes on from there. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** One conversion under way. */
interface Run {
  readonly checkpoint: Checkpoint;
  readonly quant: Quant;
  readonly vision: VisionChoice;
  readonly model: ModelDescription;
  readonly licenseStated: boolean;
  readonly finished: FinishedFiles;
  readonly measureReference: ConvertOptions["measureReference"];
  readonly onProgress: ConvertOptions["onProgress"];
  readonly signal: AbortSignal | undefined;
}

/**
 * Converts a FlashSloth checkpoint into what the runtime loads: the language model as GGUF, the vision and EmbQ graphs, the query
 * vectors, and the manifest. Memory holds one tensor at a time. A run that was stopped, killed, or ended by a full disk is continued
 * from its last finished file by the next one with the same checkpoint and options.
 * @throws `checkpoint-invalid`, `usage` for an unfit `out`, `quant` or `visionPrecision`, `disk`, `native`, `interrupted`
 */
export async function convertCheckpoint(options: ConvertOptions): Promise<Manifest> {
  const { out, overwrite, onProgress, signal } = options;
  const quant = parseQuant(options.quant ?? EXACT_QUANT);
  const precision = parseVisionPrecision(options.visionPrecision ?? EXACT_PRECISION);
  const budget = parseVisionBudget(options.visionBudget, precision);
  const vision: VisionChoice = { precision, budget, calibrate: options.calibrate };
  await checkApart(options.checkpoint, out);
  throwIfAborted(signal);
  const { strict, visionTower, onRemark } = options;
  const checkpoint = await openCheckpoint({ directory: options.checkpoint, strict, visionTower });
  try {
    for (const remark of checkpoint.remarks) onRemark?.(remark);
    await requireCalibration(options, checkpoint.config);
    const source = options.source ?? { repo: basename(resolve(options.checkpoint)), revision: null };
    const stated = options.license ?? (await statedLicense(new DiskFolder(options.checkpoint)));
    const model = { name: options.name, license: stated ?? PUBLISHED_LICENSE, source };
    const tower = visionTower === undefined ? [] : [await towerFingerprint(visionTower)];
    const fingerprint = await folderFingerprint(options.checkpoint, ...tower);
    return await fillStaged({
      out,
      overwrite,
      key: conversionKey({ format: FORMAT_VERSION, product: PRODUCT, fingerprint, model, quant, vision }),
      fill: async (finished) => {
        const done = partsAmong(finished.files.map(({ name }) => name));
        const bytes = conversionPeak({ checkpoint, quant, precision, done });
        const folder = dirname(resolve(out));
        await requireSpace({ folder, bytes, purpose: "to convert", remedy: " there" });
        const licenseStated = stated !== undefined;
        return await fill({
          checkpoint,
          quant,
          vision,
          model,
          licenseStated,
          finished,
          measureReference: options.measureReference,
          onProgress,
          signal,
        });
      },
    });
  } finally {
    await checkpoint.close();
  }
}

async function towerFingerprint(path: string): Promise<string> {
  return await folderFingerprint(path.endsWith(".safetensors") ? dirname(path) : path);
}

/** The language model comes first: then the f16 file is gone before the graphs need their room. */
async function fill(run: Run): Promise<Manifest> {
  const { checkpoint, finished, quant, model } = run;
  await makeLanguage(run);
  await makeGraphs(run);
  const accuracy = await takeAccuracy(run);
  refuseLeftovers(finished.unread(checkpoint.unconsumed()));

  const geometry = modelGeometry(checkpoint.config, checkpoint.tokenizer);
  const manifest: Manifest = {
    format: FORMAT_VERSION,
    name: model.name,
    source: model.source,
    license: model.license,
    createdBy: PRODUCT,
    quant,
    ...(accuracy === undefined ? {} : { vision: accuracy }),
    geometry,
    roles: {
      ...visionRoles(run.vision.precision),
      embq: FILES.embq,
      embqLook: FILES.embqLook,
      language: FILES.language,
      queries: FILES.queries,
    },
    embeddings: { offset: await findEmbeddings(join(finished.directory, FILES.language), geometry) },
    files: finished.files,
  };
  throwIfAborted(run.signal);
  await writeModelCard(finished.directory, { manifest, licenseStated: run.licenseStated });
  await writeManifest(finished.directory, manifest);
  return await withReference(run, manifest);
}

/** The same manifest with what the model computes on the CPU, where that can be measured. */
async function withReference(run: Run, manifest: Manifest): Promise<Manifest> {
  const { finished, measureReference, signal } = run;
  if (measureReference === undefined) return manifest;
  report(run, "reference")({ written: 0, total: 1 });
  const reference = await measureReference(finished.directory);
  throwIfAborted(signal);
  if (reference === undefined) return manifest;
  const whole = { ...manifest, reference };
  await writeManifest(finished.directory, whole);
  return whole;
}

async function makeLanguage(run: Run): Promise<void> {
  const { checkpoint, quant, model, finished, signal } = run;
  const path = (name: string): string => join(finished.directory, name);
  const write = async (name: string): Promise<void> => {
    const onProgress = report(run, "language");
    await writeLanguage({ checkpoint, path: path(name), model, signal, onProgress });
  };
  if (quant === EXACT_QUANT) {
    await make(run, [FILES.language], async () => write(FILES.language));
    return;
  }
  if (finished.get(FILES.language) === undefined) {
    await make(run, [FILES.f16], async () => write(FILES.f16), { hashed: false });
  }
  await make(run, [FILES.language], async () =>
    quantizeLanguage({
      from: path(FILES.f16),
      to: path(FILES.language),
      quant,
      types: typesByName(checkpoint, quant),
      expected: languageBytes(checkpoint, quant),
      embeddings: checkpoint.config.text,
      signal,
      onProgress: report(run, "quantize"),
    }),
  );
  if (finished.get(FILES.f16) !== undefined) await finished.discard(FILES.f16);
}

async function makeGraphs(run: Run): Promise<void> {
  const { checkpoint, finished, vision, signal } = run;
  const { directory } = finished;
  await make(run, visionFiles(vision.precision), async () => {
    await writeVision({ ...vision, checkpoint, directory, signal, report: (stage) => report(run, stage) });
  });
  await make(run, [FILES.embq, FILES.embqData, FILES.embqLook], async () => {
    const onProgress = report(run, "embq");
    const { data } = await writeEmbqGraph({ checkpoint, directory, file: FILES.embq, signal, onProgress });
    const whole = embqGraph(checkpoint);
    const look = embqLookGraph(whole, checkpoint.config);
    await writeGraphPart({ part: look, whole, directory, data, file: FILES.embqLook });
  });
  await make(run, [FILES.queries], async () =>
    writeQueries({ checkpoint, path: join(directory, FILES.queries), onProgress: report(run, "queries") }),
  );
}

/** What a reduced precision costs, which the manifest says from now on; exact weights cost nothing. */
async function takeAccuracy({ vision, finished }: Run): Promise<VisionAccuracy | undefined> {
  if (vision.precision === EXACT_PRECISION) return undefined;
  const accuracy = await readAccuracy(finished.directory);
  await finished.discard(FILES.accuracy);
  return accuracy;
}

/**
 * Writes files and records them, unless an earlier run did.
 * @param options.hashed false for a file that the model will not have: reading gigabytes again would tell nobody anything
 */
async function make(
  run: Run,
  names: readonly string[],
  write: () => Promise<void>,
  { hashed = true } = {},
): Promise<void> {
  const { checkpoint, finished, signal } = run;
  if (names.every((name) => finished.get(name) !== undefined)) return;
  throwIfAborted(signal);
  await write();
  const { directory } = finished;
  const describe = hashed ? describeFiles : measureFiles;
  const files = await describe({ directory, names, signal, onProgress: report(run, "check") });
  await finished.add(files, checkpoint.unconsumed());
}

function report({ onProgress }: Run, stage: ConvertStage): OnWritten {
  return ({ written, total }) => onProgress?.({ stage, done: written, total });
}

function refuseLeftovers(names: readonly string[]): void {
  const [first] = names;
  if (first === undefined) return;
  const others = names.length > 1 ? ` and ${names.length - 1} more` : "";
  throw new FlashSlothError("checkpoint-invalid", `no part of the model uses the tensor ${first}${others}`, {
    hint: "this checkpoint belongs to a variant of FlashSloth that flashsloth cannot convert",
  });
}
