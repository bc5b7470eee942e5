import { cropCount, readManifest, type Manifest } from "../core/model/manifest.ts";
import { EmbqSession } from "../vision/embq.ts";
import { LanguageModel } from "../language/language-model.ts";
import { VisionEncoder } from "../vision/encoder.ts";
import type { EngineInfo, EngineOptions } from "./api.ts";
import { chosenParallel } from "./capacity.ts";
import type { ChooseOptions } from "./devices/choose.ts";
import { embqProvider } from "./devices/embq-provider.ts";
import { Placement } from "./devices/placement.ts";
import { defaultThreads } from "./threads.ts";

/** A model's parts on their way into memory. Each promise can be awaited alone: a picture needs no language model. */
export interface LoadingParts {
  readonly manifest: Manifest;
  readonly threads: number;
  readonly vision: Promise<VisionEncoder>;
  readonly embq: Promise<EmbqSession>;
  readonly language: Promise<LanguageModel>;
  /** resolves when every part is there */
  readonly info: Promise<EngineInfo>;
}

export interface BeginLoadingOptions
  extends EngineOptions, Pick<ChooseOptions, "visionForm" | "tryDevice" | "absentReason"> {}

/**
 * Begins to load a model. llama.cpp reads its file on a thread of its own, so that onnxruntime can start, and even
 * encode, in the meantime.
 * @throws `usage`; `model-missing`, `model-invalid` for the manifest; the promises reject with `model-invalid`, `native`, `device`
 */
export async function beginLoading(options: BeginLoadingOptions): Promise<LoadingParts> {
  const start = performance.now();
  const { directory, pictures = 1 } = options;
  chosenParallel(options.parallel); // a number out of range is refused before anything is loaded
  const manifest = await readManifest(directory);
  const { geometry, roles } = manifest;
  const threads = options.threads ?? (await defaultThreads(geometry.hiddenSize));
  const placement = await Placement.choose({ ...options, manifest });
  let begin: (() => void) | undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const languageTimed = timed(
    placement.loadLanguage(async ({ device: backend }) => {
      const { loaded } = await LanguageModel.begin({ directory, manifest, backend, threads });
      begin?.();
      return await loaded;
    }),
  );
  // onnxruntime blocks this thread, and would keep llama.cpp's from starting
  await Promise.race([begun, languageTimed.catch(() => {})]);
  const expectedCrops = pictures * cropCount(geometry);
  const visionTimed = timed(
    placement.loadVision(async ({ device: provider, form }) =>
      VisionEncoder.load({ ...form, directory, geometry, provider, threads, expectedCrops }),
    ),
  );
  const afterVision = visionTimed.then(async ({ part: { provider } }) =>
    timed(
      EmbqSession.load({
        directory,
        file: roles.embq,
        geometry,
        provider: embqProvider(provider),
        threads,
      }),
    ),
  );

  const describe = async (): Promise<EngineInfo> => {
    const [vision, embq, language] = await Promise.all([visionTimed, afterVision, languageTimed]);
    const { notes, remarks, trials } = placement.describe();
    return {
      name: manifest.name,
      device: {
        vision: vision.part.provider,
        arithmetic: vision.part.arithmetic,
        cropsPerRun: vision.part.cropsPerRun,
        language: language.part.device.device,
        about: language.part.device.about,
        notes,
        remarks,
        trials,
      },
      loadMs: {
        vision: vision.ms,
        embq: embq.ms,
        language: language.ms,
        total: performance.now() - start,
      },
      threads,
      parallel: chosenParallel(options.parallel, {
        device: language.part.device.device,
        hiddenSize: geometry.hiddenSize,
      }),
    };
  };
  const parts: LoadingParts = {
    manifest,
    threads,
    vision: visionTimed.then(({ part }) => part),
    embq: afterVision.then(({ part }) => part),
    language: languageTimed.then(({ part }) => part),
    info: describe(),
  };
  // whoever needs a part hears of its failure there; one that nobody awaits must not end the process
  for (const promise of [parts.vision, parts.embq, parts.language, parts.info]) promise.catch(() => {});
  return parts;
}

async function timed<T>(load: Promise<T>): Promise<{ part: T; ms: number }> {
  const from = performance.now();
  const part = await load;
  return { part, ms: performance.now() - from };
}

/** Frees whatever has loaded or still will. */
export async function disposeParts(parts: LoadingParts): Promise<void> {
  for (const loading of [parts.language, parts.embq, parts.vision]) {
    const part = await loading.catch(() => undefined);
    await part?.dispose();
  }
}
