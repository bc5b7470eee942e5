import { messageOf } from "../../core/errors.ts";
import { readManifest } from "../../core/manifest.ts";
import { disableTelemetry } from "../../onnxruntime/telemetry.ts";
import { EmbqSession } from "../../vision/embq.ts";
import { VisionEncoder } from "../../vision/encoder.ts";
import { Engine } from "../engine.ts";
import { defaultThreads } from "../threads.ts";
import { embqProvider } from "./embq-provider.ts";
import { measureLanguage, measureVision, referencePicture } from "./measure.ts";
import type { TrialReply, TrialReport, TrialRequest } from "./trial.ts";

async function tryVision(request: TrialRequest): Promise<NonNullable<TrialReport["vision"]>> {
  const { directory, vision: provider = "cpu" } = request;
  const { geometry, roles } = await readManifest(directory);
  const threads = request.threads ?? (await defaultThreads(geometry.hiddenSize));
  const start = performance.now();
  const encoder = await VisionEncoder.load({ directory, file: roles.vision, geometry, provider, threads });
  const embq = await EmbqSession.load({
    directory,
    file: roles.embq,
    geometry,
    provider: embqProvider(provider),
    threads,
  });
  const loaded = performance.now();
  const numbers = await measureVision({ encoder, embq, geometry });
  const first = performance.now();
  await encoder.encode(referencePicture(geometry));
  const again = performance.now();
  await encoder.dispose();
  await embq.dispose();
  return { numbers, ms: { load: loaded - start, first: first - loaded, again: again - first } };
}

async function tryLanguage(request: TrialRequest): Promise<NonNullable<TrialReport["language"]>> {
  const { directory, language: languageDevice = "cpu", threads } = request;
  const { geometry } = await readManifest(directory);
  const options = { directory, device: "cpu", languageDevice, threads, parallel: 1 } as const;
  const engine = await Engine.load(options);
  const { language: load } = engine.info.loadMs;
  const { numbers, ms } = await measureLanguage(engine, geometry);
  return { numbers, about: engine.info.device.about, ms: { load, ...ms } };
}

/** What follows a device's name in a sentence. */
function reasonOf(error: unknown): string {
  return messageOf(error).replace(/^\w+ does not work for \S+ here: /, "");
}

/** What the process of `runTrial()` does. */
export async function answerTrial(request: TrialRequest): Promise<TrialReply> {
  try {
    disableTelemetry();
    const vision = request.vision === undefined ? {} : { vision: await tryVision(request) };
    const language = request.language === undefined ? {} : { language: await tryLanguage(request) };
    return { report: { ...vision, ...language } };
  } catch (error) {
    return { refused: reasonOf(error) };
  }
}
