import { readFileSync } from "node:fs";
import { builtModule } from "../../core/built-module.ts";
import { askChild } from "../../core/machine/child.ts";
import type { Backend } from "../../core/model/device.ts";
import { messageOf } from "../../core/errors.ts";
import type { GgmlDevice } from "../../language/ffi/library.ts";
import { openLanguageDevice } from "../../language/device.ts";
import { loadOnnxRuntime } from "../../onnxruntime/library.ts";

/** Which libraries are to be loaded, without any model, in a process of its own. */
export interface ProbeRequest {
  readonly probe: Backend;
}

/** What the libraries say of themselves. */
export interface Probe {
  readonly devices: readonly GgmlDevice[];
  /** the build of ggml for CPUs that it chose for this one: `haswell`, `zen4`, …; null where the system does not tell */
  readonly cpuBuild: string | null;
  /** what onnxruntime was built with, which need not work here */
  readonly providers: readonly string[];
}

export type ProbeReply = { readonly found: Probe } | { readonly refused: string };

/** A driver that hangs must not take forever. */
const LONGEST_MS = 20_000;

/** Loads llama.cpp for a backend, and onnxruntime, and asks what they find. */
export async function probeBackend(
  probe: Backend,
): Promise<{ readonly found: Probe } | { readonly failed: string }> {
  const module = builtModule("../worker.js", import.meta.url);
  const { reply, end } = await askChild({
    module,
    request: { probe },
    stderr: "keep",
    timeoutMs: LONGEST_MS,
  });
  if (reply === undefined) return { failed: `its process ${end}` };
  const answer = reply as ProbeReply;
  return "found" in answer ? answer : { failed: answer.refused };
}

/** What the process of `probeBackend` does. */
export async function answerProbe({ probe }: ProbeRequest): Promise<ProbeReply> {
  try {
    const { library } = await openLanguageDevice(probe);
    const providers = loadOnnxRuntime().listSupportedBackends();
    return {
      found: {
        devices: library.devices,
        cpuBuild: loadedCpuBuild(),
        providers: providers.map(({ name }) => name),
      },
    };
  } catch (error) {
    return { refused: messageOf(error).replace(/^\w+ does not work for \S+ here: /, "") };
  }
}

function loadedCpuBuild(): string | null {
  try {
    return /libggml-cpu-([\w.-]+)\.so/.exec(readFileSync("/proc/self/maps", "utf8"))?.[1] ?? null;
  } catch {
    return null; // only Linux tells
  }
}
