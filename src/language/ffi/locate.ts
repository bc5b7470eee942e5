import { createRequire } from "node:module";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import type { Backend } from "../../core/model/device.ts";
import { FlashSlothError } from "../../core/errors.ts";

export interface NativeFiles {
  readonly backend: Backend;
  /** folder that holds the libraries and ggml's loadable backends */
  readonly directory: string;
  readonly ggmlBase: string;
  readonly ggml: string;
  readonly llama: string;
}

/** Package of node-llama-cpp by platform and backend; the spelling is theirs. */
const PACKAGES: Readonly<Record<string, Partial<Record<Backend, string>>>> = {
  "linux-x64": { cpu: "linux-x64", cuda: "linux-x64-cuda", vulkan: "linux-x64-vulkan" },
  "linux-arm64": { cpu: "linux-arm64" },
  "darwin-arm64": { metal: "mac-arm64-metal", cpu: "mac-arm64-metal" },
  "darwin-x64": { cpu: "mac-x64" },
  "win32-x64": { cpu: "win-x64", cuda: "win-x64-cuda", vulkan: "win-x64-vulkan" },
  "win32-arm64": { cpu: "win-arm64" },
};

const LIBRARY_FILE = {
  ggmlBase: /^(?:lib)?ggml-base\.(?:so|dylib|dll)$/,
  ggml: /^(?:lib)?ggml(?:\.(?:metal|cuda|vulkan))?\.v[\d.]+\.(?:so|dylib|dll)$/,
  llama: /^(?:lib)?llama(?:\.(?:metal|cuda|vulkan))?\.v[\d.]+\.(?:so|dylib|dll)$/,
} as const;

/** The release of node-llama-cpp's platform packages, as `package.json` pins it. */
const RELEASE = "3.21.1";

const REINSTALL = "install flashsloth again with its optional dependencies (npm install --include=optional)";

/** The libraries for graphics processors are large: whoever wants them installs them, beside flashsloth. */
function notInstalled(backend: Backend, packageName: string, cause: unknown): FlashSlothError {
  const what = `the package ${packageName} is not installed`;
  if (backend === "cpu" || backend === "metal") {
    return new FlashSlothError("native", what, { cause, hint: REINSTALL });
  }
  const command = `npm install -g ${packageName}@${RELEASE}`;
  return new FlashSlothError("native", `${what}, a choice: ${command}`, {
    cause,
    hint: `run \`${command}\`, or without -g where flashsloth is a project's dependency`,
  });
}

/** The backends for which this platform has a package, whether installed or not. */
export function knownBackends(platform: string = process.platform, arch: string = process.arch): Backend[] {
  return Object.keys(PACKAGES[`${platform}-${arch}`] ?? {}) as Backend[];
}

/** Says that the package with a backend's libraries is not installed, and how it would be; undefined where it is. */
export function missingPackage(backend: Backend): string | undefined {
  const short = PACKAGES[`${process.platform}-${process.arch}`]?.[backend];
  if (short === undefined) return `llama.cpp has no ${backend} build for this platform`;
  const packageName = `@node-llama-cpp/${short}`;
  try {
    createRequire(import.meta.url).resolve(packageName);
    return undefined;
  } catch (error) {
    return notInstalled(backend, packageName, error).message;
  }
}

/**
 * Finds the llama.cpp libraries of a backend among node-llama-cpp's platform packages.
 * @throws `native` when this platform has no such package, or it is not installed or incomplete
 */
export async function locateNative(backend: Backend): Promise<NativeFiles> {
  const platform = `${process.platform}-${process.arch}`;
  const short = PACKAGES[platform]?.[backend];
  if (short === undefined) {
    throw new FlashSlothError("native", `llama.cpp has no ${backend} build for ${platform}`);
  }
  const packageName = `@node-llama-cpp/${short}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(packageName);
  } catch (error) {
    throw notInstalled(backend, packageName, error);
  }
  const directory = join(dirname(entry), "..", "bins", short);
  const names = await readdir(directory).catch((error: unknown) => {
    throw new FlashSlothError("native", `${directory} cannot be read`, { cause: error, hint: REINSTALL });
  });
  const find = (which: keyof typeof LIBRARY_FILE): string => {
    const name = names.find((candidate) => LIBRARY_FILE[which].test(candidate));
    if (name === undefined) {
      throw new FlashSlothError("native", `${which} is missing from ${directory}`, { hint: REINSTALL });
    }
    return join(directory, name);
  };
  return { backend, directory, ggmlBase: find("ggmlBase"), ggml: find("ggml"), llama: find("llama") };
}

/** The llama.cpp release tag that the installed libraries for the CPU were built from, such as `v0.4.0`. */
export async function installedRelease(): Promise<string> {
  const [backend = "cpu"] = knownBackends();
  const { directory } = await locateNative(backend);
  const info: unknown = JSON.parse(await readFile(join(directory, "_nlcBuildMetadata.json"), "utf8"));
  const { buildOptions } = v.parse(metadataSchema, info);
  return buildOptions.llamaCpp.release;
}

/** What node-llama-cpp's build writes beside the libraries. */
const metadataSchema = v.object({
  buildOptions: v.object({ llamaCpp: v.object({ release: v.string() }) }),
});
