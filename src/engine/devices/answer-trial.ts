import { FlashSlothError } from "../../core/errors.ts";
import { readManifest } from "../../core/model/manifest.ts";
import { disableTelemetry } from "../../onnxruntime/telemetry.ts";
import { EmbqSession } from "../../vision/embq.ts";
import { VisionEncoder } from "../../vision/encoder.ts";
import { visionForm } from "../../vision/form.ts";
import { Engine } from "../engine.ts";
import { defaultThreads } from "../threads.ts";
import { embqProvider } from "./embq-provider.ts";
import { reasonOf } from "./reason.ts";
import { measureLanguage, measureTogether, measureVision, referencePicture } from "./measure.ts";
import type { TrialReply, TrialReport, TrialRequest } from "./trial.ts";

async function tryVision(request: TrialRequest): Promise<NonNullable<TrialReport["vision"]>> {
  const { directory, vision: provider = "cpu", form: name = "single" } = request;
  const { geometry, roles } = await readManifest(directory);
  const form = visionForm(roles, provider, name);
  if (form === undefined) throw new FlashSlothError("internal", `the model has no such graph (${name})`);
  const threads = request.threads ?? (await defaultThreads(geometry.hiddenSize));
  const start = performance.now();
  // what float16 cannot hold is not to be made good on trial
  const graph = { ...form, exactFile: undefined };
  const encoder = await VisionEncoder.load({ ...graph, directory, geometry, provider, threads });
  const embq = await EmbqSession.load({
    directory,
    file: roles.embq,
    geometry,
    provider: embqProvider(provider),
    threads,
  });
  const loaded = performance.now();
  const parts = { encoder, embq, geometry };
  const numbers = await measureVision(parts);
  const first = performance.now();
  await encoder.encode(referencePicture(geometry));
  const again = performance.now();
  const together = await measureTogether(parts, form.cropsPerRun);
  await encoder.dispose();
  await embq.dispose();
  const ms = { load: loaded - start, first: first - loaded, again: again - first };
  return { numbers, together, ms };
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
