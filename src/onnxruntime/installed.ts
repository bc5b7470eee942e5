import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** An onnxruntime that is there. */
export interface InstalledOnnxRuntime {
  readonly release: string;
  /** folder with the libraries for this system */
  readonly libraries: string;
  /** onnxruntime-node's script that fetches CUDA's libraries; undefined where only the package's own copy is there */
  readonly script: string | undefined;
}

const require = createRequire(import.meta.url);
const { platform, arch } = process;

/**
 * The package brings onnxruntime along. An `onnxruntime-node` of the same release that can be found from here goes first: it may
 * have CUDA's libraries, which its own install script fetches.
 * @throws an error of Node's when neither is there
 */
export function installedOnnxRuntime(): InstalledOnnxRuntime {
  const own = ownOnnxRuntime();
  let folder: string;
  try {
    folder = dirname(require.resolve("onnxruntime-node/package.json"));
  } catch (error) {
    if (own === undefined) throw error;
    return own;
  }
  const release = releaseOf(folder);
  if (own !== undefined && own.release !== release) return own;
  const script = join(folder, "script/install.js");
  return { release, libraries: join(folder, "bin/napi-v6", platform, arch), script };
}

/** That of `dist/onnxruntime`; undefined before the first build, and in the sources. */
function ownOnnxRuntime(): InstalledOnnxRuntime | undefined {
  const folder = fileURLToPath(new URL("../onnxruntime/", import.meta.url));
  if (!existsSync(join(folder, "package.json"))) return undefined;
  return { release: releaseOf(folder), libraries: join(folder, `${platform}-${arch}`), script: undefined };
}

function releaseOf(folder: string): string {
  return (require(join(folder, "package.json")) as { readonly version: string }).version;
}
