import { backendsFor, providersFor, type Backend, type Provider } from "../core/device.ts";
import type { Manifest } from "../core/manifest.ts";
import { absentReason, Judge, type Judgement } from "../engine/devices/judge.ts";
import { probeBackend } from "../engine/devices/probe.ts";
import type { TryDevice } from "../engine/devices/trial.ts";
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
    onStep?.(`trying ${side} on ${device}`);
    if (judge !== undefined) found.push(describe(side, device, await judge.tryNow(side, device)));
    else
      found.push(side === "vision" ? { side, device, verdict: "untried" } : await probed(device as Backend));
  }
  return found;
}

function describe(side: "vision" | "language", device: string, judgement: Judgement): DeviceFinding {
  const { verdict, reason, report, comparison } = judgement;
  const part = side === "vision" ? report?.vision : report?.language;
  const about = side === "language" ? report?.language?.about : undefined;
  return {
    side,
    device,
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
