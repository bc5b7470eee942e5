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
  let folder = new URL("../", caller);
  for (let found = beside; ; found = new URL(`dist/lib/${basename(relative)}`, folder)) {
    if (existsSync(fileURLToPath(found))) return found;
    const parent = new URL("../", folder);
    if (parent.pathname === folder.pathname) return beside;
    folder = parent;
  }
}
