import { backendsFor, providersFor } from "../core/model/device.ts";
import { freeBytes } from "../core/files/disk-space.ts";
import { driversOf, mayHaveGpu } from "../core/machine/drivers.ts";
import { variantOf } from "../core/model/manifest.ts";
import { usableCores } from "../core/machine/processors.ts";
import { probeBackend } from "../engine/devices/probe.ts";
import { describeMachine, describeVersions } from "../engine/machine.ts";
import { cachesUsage } from "../store/caches.ts";
import { storePaths } from "../store/home.ts";
import { listModels } from "../store/list.ts";
import { adviceFor } from "./advice.ts";
import { cpuFeatures } from "./cpu.ts";
import { findDevices, type FindDevicesOptions, type TriedModel } from "./devices.ts";
import { environmentThatMatters } from "./environment.ts";
import type { DeviceFinding, DoctorReport } from "./report.ts";

export interface ExamineOptions extends Pick<FindDevicesOptions, "tryDevice" | "onStep" | "signal"> {
  /** What devices are tried with. @default there is none */
  readonly model?: TriedModel | undefined;
}

/** Looks at everything that decides how, and whether, this machine answers. @throws `interrupted` */
export async function examineMachine(options: ExamineOptions): Promise<DoctorReport> {
  const { model } = options;
  const paths = storePaths();
  const [versions, cores, features, cpu, models, caches, free, devices] = await Promise.all([
    describeVersions(),
    usableCores(),
    cpuFeatures(),
    probeBackend("cpu"),
    listModels(),
    cachesUsage(),
    freeBytes(paths.home),
    findDevices({ ...options, verdicts: paths.verdicts }),
  ]);
  const report = {
    versions,
    machine: {
      ...describeMachine(),
      usable_cores: cores,
      cpu_features: features,
      ggml_cpu_build: "found" in cpu ? cpu.found.cpuBuild : null,
    },
    drivers: [...new Set([...driversOf("webgpu"), ...driversOf("cuda")])],
    model: model?.manifest.name ?? null,
    devices,
    default_devices: defaultsAmong(devices, "failed" in cpu ? cpu.failed : undefined),
    models: models.map((each) => {
      const { quant, visionPrecision } = variantOf(each);
      return { name: each.name, quant, vision: visionPrecision, bytes: each.size };
    }),
    store: { folder: paths.home, free_bytes: free ?? null },
    caches: [...caches.entries()].map(([name, usage]) => ({ name, ...usage })),
    environment: environmentThatMatters(process.env),
  };
  return { ...report, advice: adviceFor(report) };
}

/** What `--device auto` takes, and whether that computes right; without a model, whether the libraries load. */
function defaultsAmong(
  devices: readonly DeviceFinding[],
  broken: string | undefined,
): DoctorReport["default_devices"] {
  const { platform } = process;
  const of = (side: DeviceFinding["side"], order: readonly string[]): string =>
    order.find((device) =>
      devices.some(
        (finding) =>
          finding.side === side &&
          finding.device === device &&
          finding.verdict === "sound" &&
          (device === "cpu" || mayHaveGpu()),
      ),
    ) ?? "cpu";
  const vision = of("vision", providersFor("auto", platform));
  const language = of("language", backendsFor("auto", platform));
  const works = (side: DeviceFinding["side"], device: string): DeviceFinding | undefined =>
    devices.find(
      (finding) =>
        finding.side === side &&
        finding.device === device &&
        (finding.verdict === "sound" || finding.verdict === "untried"),
    );
  const encoder = works("vision", vision);
  const sound = broken === undefined && encoder !== undefined && works("language", language) !== undefined;
  return { vision, arithmetic: encoder?.arithmetic ?? "float32", language, sound };
}
