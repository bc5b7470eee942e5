import type { Arithmetic, Provider } from "../core/model/device.ts";
import type { Manifest } from "../core/model/manifest.ts";

/**
 * How a device runs the encoder: `half` and `batch` take several crops at once, `half` with products in float16; `single` is what
 * every model has.
 */
export type FormName = "half" | "batch" | "single";

/** A vision graph of a model's folder, and how it is run. */
export interface VisionForm {
  readonly name: FormName;
  /** name of the graph */
  readonly file: string;
  readonly arithmetic: Arithmetic;
  /** the most crops of one run */
  readonly cropsPerRun: number;
  /** Of a form in float16: the graph in float32, for pictures whose values float16 cannot hold. */
  readonly exactFile?: string | undefined;
}

/** At full size eight crops' attention takes half a gigabyte; beyond them even large GPUs gain little. */
const GPU_CROPS = 8;

/** The forms in which a provider may run a model's encoder, the fastest first; the last is what every model has. */
export function visionForms(
  { vision, visionBatch, visionHalf }: Manifest["roles"],
  provider: Provider,
): readonly VisionForm[] {
  const single: VisionForm = { name: "single", file: vision, arithmetic: "float32", cropsPerRun: 1 };
  // a batch is slower on a CPU, and CoreML needs a graph that knows its size
  if (provider === "cpu" || provider === "coreml") return [single];
  if (visionBatch === undefined) return [single];
  const batch = { name: "batch", file: visionBatch, arithmetic: "float32", cropsPerRun: GPU_CROPS } as const;
  if (visionHalf === undefined) return [batch, single];
  const half = { name: "half", file: visionHalf, arithmetic: "float16", exactFile: visionBatch } as const;
  return [{ ...half, cropsPerRun: GPU_CROPS }, batch, single];
}

/** The form of a name. @returns undefined where the model or the provider has none */
export function visionForm(
  roles: Manifest["roles"],
  provider: Provider,
  name: FormName,
): VisionForm | undefined {
  return visionForms(roles, provider).find((form) => form.name === name);
}
