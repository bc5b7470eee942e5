import { cpus } from "node:os";
import { defaultThreads } from "../../src/engine/threads.ts";
import { processorFlags } from "../cpu/flags.ts";
import { type Hidden, HIDDEN_NAMES, withoutHidden } from "../cpu/hide-instructions.ts";

export const MAKERS = ["AMD", "Intel", "Apple", "other"] as const;

/** What of a processor decides how fast matrix products are. */
export interface Cpu {
  /** as it calls itself */
  readonly model: string;
  readonly maker: (typeof MAKERS)[number];
  /** the widest instructions that onnxruntime and ggml have kernels for */
  readonly instructions: string;
  /** what it has besides, and the measured process could not see. @default nothing */
  readonly hidden?: string | undefined;
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

/** @param hidden what this process cannot see of its processor. @default nothing is hidden */
export async function describeCpu(hidden?: Hidden): Promise<Cpu> {
  const model = cpus()[0]?.model.trim() || "unknown";
  const flags = processorFlags();
  const threads = await defaultThreads(2560);
  if (hidden === undefined) return { model, ...kindOf(model, flags), threads };
  return { model, ...kindOf(model, withoutHidden(flags, hidden)), hidden: HIDDEN_NAMES[hidden], threads };
}

/** Its instructions, and what it has besides. */
export function showInstructions({ instructions, hidden }: Pick<Cpu, "instructions" | "hidden">): string {
  return hidden === undefined ? instructions : `${instructions} (${hidden} hidden)`;
}

/** @param flags of `/proc/cpuinfo`, with spaces between them; empty where the system has no such file */
export function kindOf(model: string, flags: string): Pick<Cpu, "maker" | "instructions"> {
  const present = new Set(flags.split(/\s+/));
  return {
    maker: MAKERS.find((name) => model.includes(name)) ?? "other",
    instructions: KINDS.find(([flag]) => present.has(flag))?.[1] ?? process.arch,
  };
}
