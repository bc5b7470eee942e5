import {
  backendsFor,
  providersFor,
  sameHardware,
  type Backend,
  type DeviceChoice,
  type Provider,
} from "../../core/device.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { variantOf, type Manifest } from "../../core/manifest.ts";
import { providerHint } from "../../onnxruntime/provider.ts";
import { Judge, type JudgeOptions, type Judgement } from "./judge.ts";

export interface ChooseOptions extends Omit<JudgeOptions, "verdicts"> {
  /** @default "auto" */
  readonly device?: DeviceChoice | undefined;
  /** @default as `device` */
  readonly visionDevice?: DeviceChoice | undefined;
  /** @default as `device` */
  readonly languageDevice?: DeviceChoice | undefined;
  /** @default nothing is tried: `auto` is the CPU, and a device that is named is taken as it is */
  readonly verdicts?: string | undefined;
}

export interface ChosenDevices {
  readonly vision: Provider;
  readonly language: Backend;
  /** why something better was not taken */
  readonly notes: readonly string[];
  /** those of them that a person should hear of now, and what is unusual about the choice */
  readonly remarks: readonly string[];
  /** processes that were started to try devices */
  readonly trials: number;
}

/**
 * Which devices a model is to be loaded on.
 * @throws `device` when one that was named does not work, or computes something else than the CPU
 */
export async function chooseDevices(options: ChooseOptions): Promise<ChosenDevices> {
  const { manifest, device = "auto", platform = process.platform, verdicts } = options;
  const { visionDevice = device, languageDevice = device } = options;
  const notes: string[] = [];
  const remarks: string[] = [];
  if (verdicts === undefined) {
    const vision = unproved(visionDevice, providersFor(visionDevice, platform)) ?? "cpu";
    const language = unproved(languageDevice, backendsFor(languageDevice, platform)) ?? "cpu";
    return { vision: cpuOnly(manifest) ?? vision, language, notes, remarks, trials: 0 };
  }

  const judge = new Judge({ ...options, verdicts });
  const choose = async <Device extends Provider | Backend>(
    side: "vision" | "language",
    choice: DeviceChoice,
    candidates: readonly Device[],
  ): Promise<Device> => {
    let last: Device | undefined;
    for (const candidate of candidates) {
      last = candidate;
      if (candidate === "cpu") break;
      const { verdict, reason, tried } = await judge.judge(side, candidate, choice === "auto");
      if (verdict === "sound") return candidate;
      if (choice !== "auto") throw refused(side, candidate, { verdict, reason });
      const note = `${side}: ${candidate} is not used: ${reason}`;
      notes.push(note);
      if (tried) remarks.push(note);
    }
    if (last === undefined) throw new FlashSlothError("internal", `nothing computes ${side}`);
    return last;
  };

  const only = cpuOnly(manifest);
  const vision = only ?? (await choose("vision", visionDevice, providersFor(visionDevice, platform)));
  const language = await choose("language", languageDevice, backendsFor(languageDevice, platform));
  if (only !== undefined && (visionDevice !== "auto" || language !== "cpu") && visionDevice !== "cpu") {
    const { visionPrecision } = variantOf(manifest);
    remarks.push(`vision: the ${visionPrecision} encoder is made for the CPU, and runs there`);
  } else if (!sameHardware(vision, language)) {
    remarks.push(`vision runs on ${vision}, language on ${language}`);
  }
  return { vision, language, notes, remarks, trials: judge.trials };
}

/** What a choice comes to where nothing can be tried. */
function unproved<Device>(choice: DeviceChoice, candidates: readonly Device[]): Device | undefined {
  return choice === "auto" ? candidates.at(-1) : candidates[0];
}

/** Vision encoders with int8 matrices use operators of onnxruntime's that only the CPU has. */
function cpuOnly(manifest: Pick<Manifest, "quant" | "vision">): Provider | undefined {
  const { visionPrecision } = variantOf(manifest);
  return visionPrecision === "int8" || visionPrecision === "mixed" ? "cpu" : undefined;
}

function refused(
  side: "vision" | "language",
  device: string,
  { verdict, reason }: Pick<Judgement, "verdict" | "reason">,
): FlashSlothError {
  const what = verdict === "wrong" ? "computes wrong" : "does not work";
  const again = "`flashsloth doctor` tries every device again";
  const hint =
    side === "vision" && verdict === "unusable"
      ? providerHint(device as Provider)
      : `use --${side}-device cpu, or --device auto; ${again}`;
  return new FlashSlothError("device", `${device} ${what} for ${side} here: ${reason}`, { hint });
}
