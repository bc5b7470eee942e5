import { readFileSync } from "node:fs";

/** The nearest `package.json` above this file: one folder further away once compiled into `dist/`. */
function ownVersion(): string {
  for (let folder = new URL("../", import.meta.url); ; folder = new URL("../", folder)) {
    let text: string;
    try {
      text = readFileSync(new URL("package.json", folder), "utf8");
    } catch (error) {
      if (folder.pathname === new URL("../", folder).pathname) throw error;
      continue;
    }
    const { name, version } = JSON.parse(text) as { name: string; version: string };
    if (name === "flashsloth") return version;
  }
}

/** This package's version. */
export const VERSION: string = ownVersion();

/** How files and requests name their maker: `flashsloth 0.1.0`. */
export const PRODUCT: string = `flashsloth ${VERSION}`;
