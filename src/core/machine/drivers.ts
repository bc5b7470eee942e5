import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { release } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import * as v from "valibot";
import type { Backend, Provider } from "../model/device.ts";

/*
 * Which graphics drivers a machine has, by their files alone: nothing is loaded, so that this is cheap at every start. A driver that
 * comes, goes or is updated changes it.
 */

/** Variables that change which drivers and devices there are. */
const VARIABLES = [
  "VK_DRIVER_FILES",
  "VK_ICD_FILENAMES",
  "VK_ADD_DRIVER_FILES",
  "GGML_VK_VISIBLE_DEVICES",
  "CUDA_VISIBLE_DEVICES",
] as const;

/** Where the Vulkan loader looks for manifests on Linux (`LoaderDriverInterface.md`), and the linker for libraries. */
const VULKAN_FOLDERS = ["/usr/local/etc", "/usr/local/share", "/etc", "/usr/share"].map(
  (folder) => `${folder}/vulkan/icd.d`,
);
const LIBRARY_FOLDERS = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
] as const;
const WINDOWS_DRIVERS = ["vulkan-1.dll", "nvcuda.dll", "amdvlk64.dll", "igvk64.dll", "nvoglv64.dll"] as const;

/** Names of what a GPU's kernel driver makes in `/dev`: render nodes, NVIDIA's and WSL's own, a few single-board computers'. */
const GPU_NODE = /^(?:nvidia\d+|nvhost-gpu|dxg|mali\d+|kgsl-3d\d+)$/;
const RENDER_NODE = /^renderD\d+$/;

export interface DriversOptions {
  /** @default process.platform */
  readonly platform?: NodeJS.Platform | undefined;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Stands for the drivers that a device needs, a line for each thing that may change. */
export function driversOf(device: Provider | Backend, options: DriversOptions = {}): readonly string[] {
  const { platform = process.platform, env = process.env } = options;
  if (device === "cpu") return [];
  const variables = VARIABLES.filter((name) => env[name] !== undefined).map((name) => `${name}=${env[name]}`);
  if (platform === "darwin") return [`macOS ${release()}`];
  if (platform === "win32") {
    const folder = join(env["SystemRoot"] ?? "C:\\Windows", "System32");
    return [
      `Windows ${release()}`,
      ...WINDOWS_DRIVERS.flatMap((name) => fileLine(join(folder, name))),
      ...variables,
    ];
  }
  const nvidia = firstLine("/proc/driver/nvidia/version");
  const cards = namesIn("/sys/class/drm")
    .filter((name) => /^card\d+$/.test(name))
    .map((name) => {
      const about = (file: string): string => firstLine(`/sys/class/drm/${name}/device/${file}`)[0] ?? "?";
      return `${name} ${about("vendor")} ${about("device")}`;
    });
  const vulkan = device === "cuda" ? [] : vulkanManifests(env).flatMap((path) => manifestLines(path));
  return [...nvidia, ...cards, ...vulkan, ...variables];
}

/**
 * Whether there may be a GPU. A Linux machine without one can have drivers nevertheless, which compute on the CPU and slower than
 * we do ourselves; whoever names drivers by a variable means them.
 */
export function mayHaveGpu(options: DriversOptions = {}): boolean {
  const { platform = process.platform, env = process.env } = options;
  if (platform !== "linux") return true;
  if (env["VK_DRIVER_FILES"] !== undefined || env["VK_ICD_FILENAMES"] !== undefined) return true;
  return (
    namesIn("/dev").some((name) => GPU_NODE.test(name)) ||
    namesIn("/dev/dri").some((name) => RENDER_NODE.test(name))
  );
}

/** Why no Vulkan driver can be there, by the files alone; undefined where one may be. */
export function missingVulkan(options: DriversOptions = {}): string | undefined {
  const { platform = process.platform, env = process.env } = options;
  if (platform !== "linux") return undefined;
  return vulkanManifests(env).some((path) => existsSync(path)) ? undefined : "there is no Vulkan driver";
}

function vulkanManifests(env: NonNullable<DriversOptions["env"]>): string[] {
  const given = env["VK_DRIVER_FILES"] ?? env["VK_ICD_FILENAMES"];
  const added = [given, env["VK_ADD_DRIVER_FILES"]].flatMap((list) => list?.split(delimiter) ?? []);
  const found = given === undefined ? VULKAN_FOLDERS : [];
  const folders = [...added, ...found].filter((path) => path !== "");
  return folders.flatMap((path) =>
    path.endsWith(".json")
      ? path
      : namesIn(path)
          .filter((name) => name.endsWith(".json"))
          .map((name) => join(path, name)),
  );
}

const manifestSchema = v.object({ ICD: v.object({ library_path: v.string() }) });

/** A manifest and the library that it names: relative to it when it has a separator, else wherever the linker finds it. */
function manifestLines(path: string): string[] {
  const lines = fileLine(path);
  try {
    const { ICD } = v.parse(manifestSchema, JSON.parse(readFileSync(path, "utf8")));
    const library = ICD.library_path;
    const places =
      isAbsolute(library) || library.includes("/")
        ? [resolve(dirname(path), library)]
        : LIBRARY_FOLDERS.map((folder) => join(folder, library));
    return [...lines, ...places.flatMap((place) => fileLine(place))];
  } catch {
    return lines; // absent, or no manifest: the loader passes over it
  }
}

function fileLine(path: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? [] : [`${path} ${stats.size} ${Math.round(stats.mtimeMs)}`];
}

function firstLine(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n", 1);
  } catch {
    return [];
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
