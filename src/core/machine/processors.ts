import { availableParallelism } from "node:os";
import { cpuQuota } from "./cgroup.ts";
import { parseCpuList } from "./cpu-list.ts";
import { textOf, thisSystem, type System } from "./system.ts";

const CPU_FOLDER = "/sys/devices/system/cpu";

export interface UsableCoresOptions {
  /** @default the system that this process runs on */
  readonly system?: Pick<System, "platform" | "read"> | undefined;
  /** Processors as Node counts them, where nothing better is known. @default os.availableParallelism() */
  readonly available?: number | undefined;
}

/**
 * How many threads of this process can compute at a time without sharing a core: matrix products gain nothing from a core's
 * second hardware thread. On Linux the cores are counted among the processors that the cpuset and the affinity leave it (a
 * container's, a Slurm step's, `taskset`'s), and are no more than the cgroups' quota of time keeps busy: a thread that has
 * used the quota up sleeps while the others wait for its part of the product, so a fraction is left unused.
 * @returns at least 1
 */
export async function usableCores(options: UsableCoresOptions = {}): Promise<number> {
  const { system = thisSystem, available = availableParallelism() } = options;
  if (system.platform !== "linux") return Math.max(1, available);
  const [cores, quota] = await Promise.all([allowedCores(system), cpuQuota(system)]);
  return Math.max(1, Math.min(cores ?? available, Math.floor(quota)));
}

/** @returns undefined where the kernel does not say */
async function allowedCores(system: Pick<System, "read">): Promise<number | undefined> {
  const status = await textOf(system, "/proc/self/status");
  const [, list = ""] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status) ?? [];
  const allowed = parseCpuList(list);
  if (allowed === undefined) return undefined;
  // the list of a process without limits may name every processor that could ever be plugged in
  const online = parseCpuList(await textOf(system, `${CPU_FOLDER}/online`));
  const usable = online === undefined ? allowed : allowed.filter((cpu) => online.includes(cpu));
  const cores = await Promise.all(usable.map(async (cpu) => coreOf(system, cpu)));
  return new Set(cores).size;
}

/** What the processors of one core have in common. */
async function coreOf(system: Pick<System, "read">, cpu: number): Promise<string> {
  const siblings = await textOf(system, `${CPU_FOLDER}/cpu${cpu}/topology/thread_siblings_list`);
  return siblings.trim() || `${cpu}`;
}
