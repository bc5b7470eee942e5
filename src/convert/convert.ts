import { basename, join, resolve } from "node:path";
import { openCheckpoint } from "../checkpoint/open.ts";
import type { Checkpoint } from "../checkpoint/types.ts";
import { FlashSlothError } from "../core/errors.ts";
import { FORMAT_VERSION, type Manifest } from "../core/manifest.ts";
import { PRODUCT } from "../core/version.ts";
import { embeddingsOffset } from "./language/embeddings.ts";
import type { ModelSource } from "./language/metadata.ts";
import { writeQueries } from "./language/queries.ts";
import { writeLanguage } from "./language/write.ts";
import { describeFiles, modelGeometry, writeManifest } from "./manifest.ts";
import { writeUncompressedGraph } from "./onnx/uncompressed.ts";
import { visionGraph, writeEmbqGraph, writeVisionGraph } from "./onnx/write.ts";
import { throwIfAborted, type ConvertProgress, type ConvertStage, type OnWritten } from "./progress.ts";
import { checkApart, fillStaged } from "./staging.ts";

const LANGUAGE_FILE = "language.gguf";
const QUERIES_FILE = "queries.f32";

/** Of the published weights, and of the demo's. */
const LICENSE = "apache-2.0";

export interface ConvertOptions {
  /** A folder in the hub's layout: safetensors, config.json, tokenizer files. */
  readonly checkpoint: string;
  /** The model's folder; it appears when everything in it is complete. Parents are created. */
  readonly out: string;
  /** What the model is called in its manifest and in the language file. */
  readonly name: string;
  /** Where the checkpoint comes from. @default the checkpoint's folder, no revision */
  readonly source?: ModelSource | undefined;
  /** SPDX identifier of the weights' licence. @default "apache-2.0", that of the published weights */
  readonly license?: string | undefined;
  /** Replace a model that is already in `out`. @default false */
  readonly overwrite?: boolean | undefined;
  /** @default nobody */
  readonly onProgress?: ((progress: ConvertProgress) => void) | undefined;
  /** Stops at the next piece of a tensor; nothing is left behind. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Converts a FlashSloth checkpoint into what the runtime loads: the vision and EmbQ graphs, the language model as
 * float16 GGUF, the query vectors, and the manifest. Memory holds one tensor at a time.
 * @throws `checkpoint-invalid`, `usage` for an unfit `out`, `disk`, `interrupted`
 */
export async function convertCheckpoint(options: ConvertOptions): Promise<Manifest> {
  await checkApart(options.checkpoint, options.out);
  throwIfAborted(options.signal);
  const checkpoint = await openCheckpoint({ directory: options.checkpoint });
  try {
    return await fillStaged({
      out: options.out,
      overwrite: options.overwrite,
      fill: (directory) => convertInto(directory, checkpoint, options),
    });
  } finally {
    await checkpoint.close();
  }
}

async function convertInto(
  directory: string,
  checkpoint: Checkpoint,
  options: ConvertOptions,
): Promise<Manifest> {
  const { name, signal, license = LICENSE } = options;
  const source = options.source ?? { repo: basename(resolve(options.checkpoint)), revision: null };
  const report = (stage: ConvertStage): OnWritten => {
    return ({ written, total }) => options.onProgress?.({ stage, done: written, total });
  };

  const vision = await writeVisionGraph({ checkpoint, directory, signal, onProgress: report("vision") });
  const uncompressed = await writeUncompressedGraph({
    vision: visionGraph({ checkpoint }),
    config: checkpoint.config,
    directory,
    data: vision.data,
  });
  const embq = await writeEmbqGraph({ checkpoint, directory, signal, onProgress: report("embq") });
  const tensors = await writeLanguage({
    checkpoint,
    path: join(directory, LANGUAGE_FILE),
    model: { name, license, source },
    signal,
    onProgress: report("language"),
  });
  throwIfAborted(signal);
  await writeQueries({ checkpoint, path: join(directory, QUERIES_FILE), onProgress: report("queries") });
  refuseLeftovers(checkpoint);

  const names = [vision.graph, vision.data, uncompressed, embq.graph, embq.data, LANGUAGE_FILE, QUERIES_FILE];
  const geometry = modelGeometry(checkpoint.config, checkpoint.tokenizer);
  const manifest: Manifest = {
    format: FORMAT_VERSION,
    name,
    source,
    license,
    createdBy: PRODUCT,
    quant: "f16",
    geometry,
    roles: {
      vision: vision.graph,
      embq: embq.graph,
      language: LANGUAGE_FILE,
      queries: QUERIES_FILE,
      uncompressed,
    },
    embeddings: { offset: embeddingsOffset(tensors, geometry) },
    files: await describeFiles({ directory, names, signal, onProgress: report("check") }),
  };
  await writeManifest(directory, manifest);
  return manifest;
}

function refuseLeftovers(checkpoint: Checkpoint): void {
  const names = checkpoint.unconsumed();
  const [first] = names;
  if (first === undefined) return;
  const others = names.length > 1 ? ` and ${names.length - 1} more` : "";
  throw new FlashSlothError("checkpoint-invalid", `no part of the model uses the tensor ${first}${others}`, {
    hint: "this checkpoint belongs to a variant of FlashSloth that flashsloth cannot convert",
  });
}
