import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { VERSION } from "../core/version.ts";
import { installedRelease } from "../language/ffi/locate.ts";
import { onnxruntimeRelease } from "../onnxruntime/library.ts";

/** What computed. */
export interface Machine {
  readonly cpu: string;
  readonly logical_cpus: number;
  readonly memory_bytes: number;
  readonly system: string;
}

export interface Versions {
  readonly flashsloth: string;
  readonly node: string;
  readonly onnxruntime: string;
  readonly llama_cpp: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() || "unknown",
    logical_cpus: availableParallelism(),
    memory_bytes: totalmem(),
    system: `${platform()} ${release()} ${arch()}`,
  };
}

export async function describeVersions(): Promise<Versions> {
  return {
    flashsloth: VERSION,
    node: process.versions.node,
    onnxruntime: onnxruntimeRelease(),
    llama_cpp: await installedRelease(),
  };
}
