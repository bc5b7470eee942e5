import { createRequire } from "node:module";
import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { VERSION } from "../core/version.ts";
import { installedRelease } from "../language/ffi/locate.ts";

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
  const onnxruntime = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
  return {
    flashsloth: VERSION,
    node: process.versions.node,
    onnxruntime: onnxruntime.version,
    llama_cpp: await installedRelease(),
  };
}
