import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { defaultThreads } from "../../src/engine/threads.ts";

export const MAKERS = ["AMD", "Intel", "Apple", "other"] as const;

/** What of a processor decides how fast matrix products are. */
export interface Cpu {
  /** as it calls itself */
  readonly model: string;
  readonly maker: (typeof MAKERS)[number];
  /** the widest instructions that onnxruntime and ggml have kernels for */
  readonly instructions: string;
  readonly threads: number;
}

/** Instructions by the flag that Linux shows, the fastest first; VNNI multiplies 8-bit integers. */
const KINDS: readonly (readonly [flag: string, name: string])[] = [
  ["amx_int8", "AMX"],
  ["avx512_vnni", "AVX-512 VNNI"],
  ["avx512f", "AVX-512"],
  ["avx_vnni", "AVX2 VNNI"],
  ["avx2", "AVX2"],
  ["avx", "AVX"],
  ["i8mm", "i8mm"],
  ["asimddp", "dot product"],
  ["asimd", "NEON"],
];

export async function describeCpu(): Promise<Cpu> {
  const model = cpus()[0]?.model.trim() || "unknown";
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1] ?? "";
  return { model, ...kindOf(model, flags), threads: await defaultThreads(2560) };
}

/** @param flags of `/proc/cpuinfo`, with spaces between them; empty where the system has no such file */
export function kindOf(model: string, flags: string): Pick<Cpu, "maker" | "instructions"> {
  const present = new Set(flags.split(/\s+/));
  return {
    maker: MAKERS.find((name) => model.includes(name)) ?? "other",
    instructions: KINDS.find(([flag]) => present.has(flag))?.[1] ?? process.arch,
  };
}
