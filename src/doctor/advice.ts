import { mayHaveGpu } from "../core/machine/drivers.ts";
import type { Quant } from "../core/model/variant.ts";
import { showBytes } from "../core/show-bytes.ts";
import { providerHint } from "../onnxruntime/provider.ts";
import type { DeviceFinding, DoctorReport } from "./report.ts";

const LEAST_FREE_BYTES = 2 ** 30;

/** What would make this machine faster, or keeps it from working, the most effective first. */
export function adviceFor(report: Omit<DoctorReport, "advice">): string[] {
  return [...gpuAdvice(report), ...slowerDevices(report), ...modelAdvice(report), ...machineAdvice(report)];
}

function gpuAdvice({ devices, drivers }: Omit<DoctorReport, "advice">): string[] {
  const of = (side: DeviceFinding["side"], device: string): DeviceFinding | undefined =>
    devices.find((finding) => finding.side === side && finding.device === device);
  const cudaIsThere = !["absent", undefined].includes(of("language", "cuda")?.verdict);
  const sound = soundDevices(devices);
  const advice: string[] = [];
  if (cudaIsThere && of("vision", "cuda")?.verdict === "absent") advice.push(providerHint("cuda"));
  if (!mayHaveGpu()) {
    return [...advice, "a GPU that Vulkan or CUDA reaches is many times faster than a CPU; none is here"];
  }
  for (const { side, device, verdict, reason } of devices) {
    if (verdict === "absent" && reason?.includes("npm install") === true) {
      advice.push(`${side} could run on ${device}: ${reason}`);
    }
    if (verdict !== "wrong" && verdict !== "unusable") continue;
    if (sound.some((other) => other.side === side && other.device === device)) continue; // in another form
    advice.push(`${side} does not run on ${device}: ${reason ?? verdict}; another driver may help`);
  }
  if (drivers.length === 0) {
    advice.push("there may be a GPU, and no driver of it is installed: see what Vulkan driver it has");
  }
  return advice;
}

/** What computes right, of each device in its fastest form. */
function soundDevices(devices: readonly DeviceFinding[]): DeviceFinding[] {
  const sound = devices.filter(({ verdict }) => verdict === "sound");
  return sound.filter(
    ({ side, device }, at) =>
      at === sound.findIndex((other) => other.side === side && other.device === device),
  );
}

/** Devices that compute right, and slower than the CPU. */
function slowerDevices({ devices }: Omit<DoctorReport, "advice">): string[] {
  const sound = soundDevices(devices);
  return sound.flatMap(({ side, device, ms }) => {
    const time = side === "vision" ? "again" : "token";
    const cpu = sound.find((finding) => finding.side === side && finding.device === "cpu")?.ms?.[time];
    const own = ms?.[time];
    if (device === "cpu" || cpu === undefined || own === undefined || own <= cpu) return [];
    return [`${side} is ${(own / cpu).toPrecision(2)} times slower on ${device}: use --${side}-device cpu`];
  });
}

function modelAdvice({
  model,
  models,
  machine,
  default_devices: auto,
}: Omit<DoctorReport, "advice">): string[] {
  if (model === null)
    return ["no model is on this disk: `flashsloth pull` fetches one, `-m demo` tries the devices now"];
  const tried = models.find(({ name }) => name === model);
  if (tried === undefined || model === "demo") return [];
  const advice: string[] = [];
  if (tried.bytes > machine.memory_bytes) {
    advice.push(
      `the model has ${showBytes(tried.bytes)} and this machine ${showBytes(machine.memory_bytes)} of memory: take a smaller variant`,
    );
  }
  const fast = fastQuant(machine);
  if (auto.language === "cpu" && auto.vision === "cpu" && ![fast, "q4_0"].includes(tried.quant)) {
    advice.push(
      `on a CPU, \`flashsloth pull --quant ${fast} --vision-precision mixed\` makes a faster and less exact variant: see docs/speed.md`,
    );
  }
  return advice;
}

/** What is fastest on this CPU, as docs/speed.md has it: with AVX2 and nothing wider, llama.cpp reads prompts of `q4_0` slower than the default's. */
function fastQuant({ cpu_features: features }: DoctorReport["machine"]): Quant {
  const isNarrow =
    features.includes("avx2") && !features.includes("avx512f") && !features.includes("avx_vnni");
  return isNarrow ? "q4_k_s" : "q4_0";
}

function machineAdvice({ machine, store }: Omit<DoctorReport, "advice">): string[] {
  const { usable_cores: cores, logical_cpus: all, cpu_features: features } = machine;
  const advice: string[] = [];
  if (cores * 2 < all)
    advice.push(
      `this process may use ${cores} of ${all} processors: a quota or an affinity keeps it from the others`,
    );
  if (process.arch === "x64" && features.length > 0 && !features.includes("avx2")) {
    advice.push("this CPU has no AVX2, which products are several times faster with");
  }
  if (store.free_bytes !== null && store.free_bytes < LEAST_FREE_BYTES) {
    advice.push(
      `${showBytes(store.free_bytes)} are free in ${store.folder}: what is kept of pictures finds no room`,
    );
  }
  return advice;
}
