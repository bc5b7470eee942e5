import {
  backendsFor,
  providersFor,
  sameHardware,
  type Backend,
  type DeviceChoice,
  type Provider,
} from "../../core/model/device.ts";
import { variantOf, type Manifest } from "../../core/model/manifest.ts";
import { hasInt8 } from "../../core/model/variant.ts";
import { visionForms, type FormName, type VisionForm } from "../../vision/form.ts";
import { firstSound, type Chosen, type FailedCandidate } from "./first-sound.ts";
import { Judge, type Candidate, type JudgeOptions } from "./judge.ts";

export type VisionCandidate = Extract<Candidate, { side: "vision" }>;
export type LanguageCandidate = Extract<Candidate, { side: "language" }>;

export interface ChooseOptions extends Omit<JudgeOptions, "verdicts"> {
  /** @default "auto" */
  readonly device?: DeviceChoice | undefined;
  /** @default as `device` */
  readonly visionDevice?: DeviceChoice | undefined;
  /** @default as `device` */
  readonly languageDevice?: DeviceChoice | undefined;
  /** How the encoder is run, where the device and the model have that form. @default the fastest that is sound */
  readonly visionForm?: FormName | undefined;
  /** @default nothing is tried: `auto` is the CPU, and a device that is named is taken as it is */
  readonly verdicts?: string | undefined;
  /** What did not load although it was chosen. @default none */
  readonly failed?: readonly FailedCandidate[] | undefined;
}

export interface ChosenDevices {
  readonly vision: Provider;
  /** how it runs the encoder */
  readonly visionForm: VisionForm;
  readonly language: Backend;
  readonly notes: readonly string[];
  /** those of them that a person should hear of now, and what is unusual about the choice */
  readonly remarks: readonly string[];
}

/** What decides; nothing where nothing can be tried. */
export function judgeFor(options: ChooseOptions): Judge | undefined {
  const { verdicts } = options;
  return verdicts === undefined ? undefined : new Judge({ ...options, verdicts });
}

/**
 * Which devices a model is to be loaded on, and how many processes were started to try some.
 * @throws `device` when one that was named does not work, or computes something else than the CPU
 */
export async function chooseDevices(
  options: ChooseOptions,
): Promise<ChosenDevices & { readonly trials: number }> {
  const judge = judgeFor(options);
  const vision = await chooseVision(options, judge);
  const language = await chooseLanguage(options, judge);
  return { ...describeChoice(options, vision, language), trials: judge?.trials ?? 0 };
}

/** @throws as `chooseDevices` */
export async function chooseVision(
  options: ChooseOptions,
  judge: Judge | undefined,
): Promise<Chosen<VisionCandidate>> {
  const { manifest, visionForm, platform = process.platform } = options;
  const choice = choiceFor("vision", options);
  const only = cpuOnly(manifest);
  const providers = only === undefined ? providersFor(choice, platform) : [only];
  const candidates = providers.flatMap((device) => {
    const forms = visionForms(manifest.roles, device);
    const wanted = forms.filter(({ name }) => name === visionForm);
    return (wanted.length > 0 ? wanted : forms).map((form) => ({ side: "vision", device, form }) as const);
  });
  return await firstSound(candidates, { choice, judge, failed: options.failed });
}

/** @throws as `chooseDevices` */
export async function chooseLanguage(
  options: ChooseOptions,
  judge: Judge | undefined,
): Promise<Chosen<LanguageCandidate>> {
  const choice = choiceFor("language", options);
  const candidates = backendsFor(choice, options.platform ?? process.platform).map(
    (device) => ({ side: "language", device }) as const,
  );
  return await firstSound(candidates, { choice, judge, failed: options.failed });
}

/** What was asked for on one side. */
function choiceFor(
  side: Candidate["side"],
  { device = "auto", visionDevice = device, languageDevice = device }: ChooseOptions,
): DeviceChoice {
  return side === "vision" ? visionDevice : languageDevice;
}

/** Both sides together, and what is unusual about that. */
export function describeChoice(
  options: ChooseOptions,
  vision: Chosen<VisionCandidate>,
  language: Chosen<LanguageCandidate>,
): ChosenDevices {
  const { device: provider, form: visionForm } = vision.candidate;
  const { device: backend } = language.candidate;
  const remarks = [...vision.remarks, ...language.remarks];
  const notes = [...vision.notes, ...language.notes];
  const chosen = { vision: provider, visionForm, language: backend, notes, remarks };
  if (options.verdicts === undefined) return chosen;
  if (cpuOnly(options.manifest) !== undefined) {
    const choice = choiceFor("vision", options);
    const elsewhere = choice === "auto" ? backend !== "cpu" : choice !== "cpu";
    const { visionPrecision } = variantOf(options.manifest);
    if (elsewhere) remarks.push(`vision: the ${visionPrecision} encoder is made for the CPU, and runs there`);
  } else if (!sameHardware(provider, backend)) {
    remarks.push(`vision runs on ${provider}, language on ${backend}`);
  }
  return chosen;
}

/** The only device that has what the encoder needs; undefined where all have. */
function cpuOnly(manifest: Pick<Manifest, "quant" | "vision">): Provider | undefined {
  return hasInt8(variantOf(manifest).visionPrecision) ? "cpu" : undefined;
}
