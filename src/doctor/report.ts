import type { Arithmetic } from "../core/model/device.ts";
import type { Machine, Versions } from "../engine/machine.ts";

/** What a device did with a model, or why it did nothing. */
export interface DeviceFinding {
  readonly side: "vision" | "language";
  /** onnxruntime's provider, llama.cpp's backend */
  readonly device: string;
  /** What the encoder's products were computed in, and the most crops of a run; of a device that was tried for vision. */
  readonly arithmetic?: Arithmetic;
  readonly crops_per_run?: number;
  /** `absent`: there is no such device; `untried`: there is no model to try it with */
  readonly verdict: "sound" | "wrong" | "unusable" | "absent" | "untried";
  /** why, unless it is sound */
  readonly reason?: string;
  /** what the library calls it */
  readonly about?: string;
  /** relative errors against the CPU's numbers, in the L2 norm */
  readonly errors?: Readonly<Record<string, number>>;
  /** milliseconds: `load`; vision `first` and `again` a picture; language `prefill` and each `token` */
  readonly ms?: Readonly<Record<string, number>>;
}

/** All that a report of a defect needs. */
export interface DoctorReport {
  readonly versions: Versions;
  readonly machine: Machine & {
    /** cores that this process may use */
    readonly usable_cores: number;
    /** instruction sets that matter to matrix products, as far as the system tells */
    readonly cpu_features: readonly string[];
    /** ggml's build for CPUs that was chosen; null where the system does not tell */
    readonly ggml_cpu_build: string | null;
  };
  /** what stands for the graphics drivers: their files, cards, versions */
  readonly drivers: readonly string[];
  /** the model that devices were tried with; null where none is on this disk */
  readonly model: string | null;
  readonly devices: readonly DeviceFinding[];
  /** what `--device auto` takes */
  readonly default_devices: {
    readonly vision: string;
    readonly arithmetic: Arithmetic;
    readonly language: string;
    readonly sound: boolean;
  };
  readonly models: readonly {
    readonly name: string;
    readonly quant: string;
    readonly vision: string;
    readonly bytes: number;
  }[];
  readonly store: { readonly folder: string; readonly free_bytes: number | null };
  readonly caches: readonly { readonly name: string; readonly entries: number; readonly bytes: number }[];
  /** variables that change what is done; secrets are masked */
  readonly environment: Readonly<Record<string, string>>;
  /** what would make this machine faster, a sentence each, the most effective first */
  readonly advice: readonly string[];
}
