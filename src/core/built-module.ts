import { existsSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The JavaScript file that starts a thread or a process of ours: beside its caller once built; where the caller runs from
 * the sources, as in tests, the build's.
 * @param relative as the caller would import it, `./worker.js`
 * @param caller its `import.meta.url`
 */
export function builtModule(relative: string, caller: string): URL {
  const beside = new URL(relative, caller);
  if (existsSync(fileURLToPath(beside))) return beside;
  return builtFile(`lib/${basename(relative)}`, caller) ?? beside;
}

/**
 * A file that the build made.
 * @param path inside the build's folder, `page/index.html`
 * @param caller `import.meta.url` of whoever asks, built or not
 * @returns undefined where it was not built
 */
export function builtFile(path: string, caller: string): URL | undefined {
  for (let folder = new URL("./", caller); ;) {
    const found = new URL(`dist/${path}`, folder);
    if (existsSync(fileURLToPath(found))) return found;
    const parent = new URL("../", folder);
    if (parent.pathname === folder.pathname) return undefined;
    folder = parent;
  }
}
