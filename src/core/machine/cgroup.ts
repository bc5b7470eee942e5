import { textOf, type System } from "./system.ts";

/** A cgroup file system, as `/proc/self/mountinfo` tells of it. */
interface Mount {
  /** the cgroup that lies at `point`, `/` for the topmost */
  readonly root: string;
  readonly point: string;
  readonly version: 1 | 2;
}

/**
 * How many processors' worth of time the cgroups of this process grant it: the least of its own and of all above it, in
 * cgroup v2 (`cpu.max`) and v1 (`cpu.cfs_quota_us`), as a container's `--cpus` and a pod's limit set them. Linux only.
 * @returns above 0, perhaps a fraction; `Infinity` without a quota
 */
export async function cpuQuota(system: Pick<System, "read">): Promise<number> {
  const [mounts, cgroups] = await Promise.all([
    textOf(system, "/proc/self/mountinfo"),
    textOf(system, "/proc/self/cgroup"),
  ]);
  const cpuMounts = parseMounts(mounts);
  const folders = parseCgroups(cgroups).flatMap(({ version, path }) => {
    const those = cpuMounts.filter((mount) => mount.version === version);
    const [mount] = [...those.filter(({ root }) => isBelow(path, root)), ...those];
    return mount === undefined ? [] : foldersUp(mount, path).map((folder) => ({ version, folder }));
  });
  const quotas = await Promise.all(
    folders.map(async ({ version, folder }) =>
      version === 2 ? readMax(system, folder) : readQuota(system, folder),
    ),
  );
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

/** The cgroups that may have a quota of time: the one of v2, and that of v1's `cpu` controller. */
function parseCgroups(text: string): { version: 1 | 2; path: string }[] {
  return text.split("\n").flatMap((line) => {
    // 0::/user.slice, or 4:cpu,cpuacct:/docker/4f5a
    const [, controllers = "", path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === "") return { version: 2, path };
    return controllers.split(",").includes("cpu") ? { version: 1, path } : [];
  });
}

/** proc_pid_mountinfo(5): `36 35 98:0 ROOT POINT OPTIONS… - TYPE SOURCE SUPER-OPTIONS`, blanks written in octal. */
function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ", 2);
    const [, , , root, point] = before.split(" ").map(unescapeOctal);
    const [type, , options = ""] = after.split(" ");
    if (root === undefined || point === undefined) return [];
    if (type === "cgroup2") return { root, point, version: 2 };
    return type === "cgroup" && options.split(",").includes("cpu") ? { root, point, version: 1 } : [];
  });
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}

function isBelow(path: string, root: string): boolean {
  return root === "/" || path === root || path.startsWith(`${root}/`);
}

/** The folder of a cgroup and of every one above it that can be seen from here. */
function foldersUp({ root, point }: Mount, path: string): string[] {
  const inside = isBelow(path, root) && !path.includes("/..");
  const names = (inside ? path.slice(root === "/" ? 0 : root.length) : "")
    .split("/")
    .filter((name) => name !== "");
  return [...names.keys(), names.length].map((depth) => [point, ...names.slice(0, depth)].join("/"));
}

/** cgroup v2: `max 100000`, or `150000 100000`, microseconds in each period. */
async function readMax(system: Pick<System, "read">, folder: string): Promise<number> {
  const [quota, period] = (await textOf(system, `${folder}/cpu.max`)).trim().split(" ").map(Number);
  return processorsWorth(quota, period);
}

/** cgroup v1: a quota of -1 is none. */
async function readQuota(system: Pick<System, "read">, folder: string): Promise<number> {
  const [quota, period] = await Promise.all([
    textOf(system, `${folder}/cpu.cfs_quota_us`),
    textOf(system, `${folder}/cpu.cfs_period_us`),
  ]);
  return processorsWorth(Number(quota), Number(period));
}

function processorsWorth(quota = Number.NaN, period = Number.NaN): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}
