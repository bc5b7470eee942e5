import { textOf, thisSystem, type System } from "../core/machine/system.ts";

/** Instruction sets that matrix products are written for, in Linux's names; the others' are put into these. */
const FEATURES = [
  "avx",
  "avx2",
  "fma",
  "f16c",
  "avx_vnni",
  "avx512f",
  "avx512_vnni",
  "avx512_bf16",
  "amx_int8",
  "asimd",
  "asimddp",
  "i8mm",
  "sve",
  "bf16",
] as const;

/** Which of them this machine has; none where the system does not tell. */
export async function cpuFeatures(
  system: Pick<System, "platform" | "read" | "output"> = thisSystem,
): Promise<string[]> {
  const { platform } = system;
  const text =
    platform === "linux"
      ? await textOf(system, "/proc/cpuinfo")
      : platform === "darwin"
        ? await system.output("/usr/sbin/sysctl", ["-a", "hw.optional"]).catch(() => "")
        : "";
  if (platform === "darwin") {
    const found = /hw\.optional\.(?:arm\.FEAT_(\w+)|(\w+)): 1$/gm;
    const names = new Set(
      [...text.matchAll(found)].map(([, arm, plain]) => (arm ?? plain ?? "").toLowerCase()),
    );
    return FEATURES.filter((name) => names.has(name) || (name === "asimddp" && names.has("dotprod")));
  }
  const [, flags = ""] = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text) ?? [];
  const words = new Set(flags.split(" "));
  return FEATURES.filter((name) => words.has(name));
}
