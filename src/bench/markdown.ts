import type { Machine, Versions } from "../engine/machine.ts";

/** Three digits or more, whatever the size: `0.04 ms`, `12.3 ms`, `4.65 s`. */
export function milliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms >= 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(2)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** Text of others inside a line of Markdown: nothing in it may end the line or begin markup. */
export function inline(text: string): string {
  const folded = text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  const ticks = "`".repeat(Math.max(0, ...[...folded.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  const pad = folded.startsWith("`") || folded.endsWith("`") ? " " : "";
  return `${ticks}${pad}${folded}${pad}${ticks}`;
}

/** The lines that say what computed, and what of. */
export function environmentLines({
  machine,
  versions,
}: {
  readonly machine: Machine;
  readonly versions: Versions;
}): string[] {
  const { cpu, logical_cpus: logical, memory_bytes: memory, system } = machine;
  return [
    `- machine: ${inline(cpu)}, ${logical} logical CPUs, ${(memory / 2 ** 30).toFixed(0)} GiB, ${system}`,
    `- flashsloth ${versions.flashsloth}, Node ${versions.node}, onnxruntime ${versions.onnxruntime}, llama.cpp ${versions.llama_cpp}`,
  ];
}
