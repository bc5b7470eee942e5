import { copyFile, link, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import type { Plugin } from "rolldown";

/**
 * onnxruntime's libraries go into the package itself. Its own npm package fetches CUDA's from NuGet while it is installed, and
 * fails where that cannot be reached, which nobody who depends on it can switch off for their users.
 */
export function bringOnnxRuntime(): Plugin {
  return {
    name: "onnxruntime's libraries into dist/onnxruntime",
    async writeBundle() {
      const from = dirname(createRequire(resolve("package.json")).resolve("onnxruntime-node/package.json"));
      const to = resolve("dist/onnxruntime");
      const { name, version, license } = JSON.parse(await readFile(join(from, "package.json"), "utf8")) as {
        readonly [field: string]: string;
      };
      await mkdir(to, { recursive: true });
      await writeFile(join(to, "package.json"), `${JSON.stringify({ name, version, license }, null, 2)}\n`);
      const libraries = join(from, "bin/napi-v6");
      for (const platform of await readdir(libraries)) {
        for (const arch of await readdir(join(libraries, platform))) {
          await linkFolder(join(libraries, platform, arch), join(to, `${platform}-${arch}`));
        }
      }
    },
  };
}

/** macOS' library under a name that nothing asks for: the binding loads `libonnxruntime.1.dylib`, the same bytes. */
const TWICE = /^libonnxruntime\.\d+\.\d+\.\d+\.dylib$/;

/** The same files in another folder, without their bytes a second time where the disk can do that. */
async function linkFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const names = await readdir(from);
  for (const name of await readdir(to))
    if (!names.includes(name) || TWICE.test(name)) await rm(join(to, name));
  for (const name of names) {
    if (TWICE.test(name)) continue;
    // CUDA's own, which the package's script fetches, are a choice of whoever installs
    if (/providers_(?:cuda|tensorrt)/.test(name)) continue;
    const [source, target] = [join(from, name), join(to, name)];
    const there = await stat(target).catch(() => undefined);
    const { size, mtimeMs } = await stat(source);
    if (there?.size === size && there.mtimeMs >= mtimeMs) continue;
    await rm(target, { force: true });
    await link(source, target).catch(async () => copyFile(source, target));
  }
}
