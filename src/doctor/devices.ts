import { backendsFor, providersFor, type Backend, type Provider } from "../core/model/device.ts";
import type { Manifest } from "../core/model/manifest.ts";
import { absentReason } from "../engine/devices/absent.ts";
import { Judge, showCandidate, type Candidate, type Judgement } from "../engine/devices/judge.ts";
import { probeBackend } from "../engine/devices/probe.ts";
import type { TryDevice } from "../engine/devices/trial.ts";
import { visionForms } from "../vision/form.ts";
import type { DeviceFinding } from "./report.ts";

export interface TriedModel {
  readonly directory: string;
  readonly manifest: Manifest;
}

export interface FindDevicesOptions {
  /** What devices are tried with. @default there is none: libraries are loaded and asked what they find */
  readonly model?: TriedModel | undefined;
  /** A folder for verdicts. */
  readonly verdicts: string;
  /** @default in processes of their own */
  readonly tryDevice?: TryDevice | undefined;
  /** What is being tried. @default nobody hears */
  readonly onStep?: ((step: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Tries every device that may be here, the CPU too, whatever is known of it. @throws `interrupted` */
export async function findDevices(options: FindDevicesOptions): Promise<DeviceFinding[]> {
  const { model, verdicts, tryDevice, onStep, signal } = options;
  const { platform } = process;
  const all: ["vision" | "language", Provider | Backend][] = [
    ...providersFor("auto", platform).map((device): ["vision", Provider] => ["vision", device]),
    ...backendsFor("auto", platform).map((device): ["language", Backend] => ["language", device]),
  ];
  const judge = model && new Judge({ ...model, verdicts, tryDevice, signal });
  const found: DeviceFinding[] = [];
  for (const [side, device] of all) {
    const reason = absentReason(side, device, false, {});
    if (reason !== undefined) {
      found.push({ side, device, verdict: "absent", reason });
      continue;
    }
    if (judge === undefined) {
      onStep?.(`trying ${side} on ${device}`);
      found.push(side === "vision" ? { side, device, verdict: "untried" } : await probed(device as Backend));
      continue;
    }
    for (const candidate of candidatesOf(side, device, model)) {
      onStep?.(`trying ${side} on ${showCandidate(candidate)}`);
      const judgement = await judge.tryNow(candidate);
      found.push(describe(candidate, judgement));
      // what is slower and as exact would say nothing new
      if (judgement.verdict === "sound" && !isHalf(candidate)) break;
    }
  }
  return found;
}

/** A device in all its forms, the fastest first. */
function candidatesOf(
  side: "vision" | "language",
  device: Provider | Backend,
  model: TriedModel | undefined,
): Candidate[] {
  if (side === "language") return [{ side, device: device as Backend }];
  const provider = device as Provider;
  const forms = model === undefined ? [] : visionForms(model.manifest.roles, provider);
  return forms.map((form) => ({ side, device: provider, form }));
}

function isHalf(candidate: Candidate): boolean {
  return candidate.side === "vision" && candidate.form.arithmetic === "float16";
}

function describe(candidate: Candidate, judgement: Judgement): DeviceFinding {
  const { side, device } = candidate;
  const { verdict, reason, report, comparison } = judgement;
  const part = side === "vision" ? report?.vision : report?.language;
  const about = side === "language" ? report?.language?.about : undefined;
  return {
    side,
    device,
    ...(candidate.side === "vision" && {
      arithmetic: candidate.form.arithmetic,
      crops_per_run: candidate.form.cropsPerRun,
    }),
    verdict,
    ...(reason !== "" && { reason }),
    ...(about !== undefined && about !== "" && { about }),
    ...(comparison !== undefined && { errors: comparison.errors }),
    ...(part !== undefined && { ms: part.ms }),
  };
}

async function probed(device: Backend): Promise<DeviceFinding> {
  const result = await probeBackend(device);
  if ("failed" in result) return { side: "language", device, verdict: "unusable", reason: result.failed };
  const about = result.found.devices.find(({ gpu }) => gpu === (device !== "cpu"))?.description;
  return { side: "language", device, verdict: "untried", ...(about !== undefined && { about }) };
}
