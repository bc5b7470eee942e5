// Packs the built package: for every platform, or with --platform linux-x64 for one, which is a third of it.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const PLATFORMS = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "darwin-arm64": "mac-arm64-metal",
  "win32-x64": "win-x64",
  "win32-arm64": "win-arm64",
};

const { values } = parseArgs({
  options: {
    platform: { type: "string" },
    out: { type: "string", default: "." },
  },
});
const { platform, out } = values;
if (platform !== undefined && !(platform in PLATFORMS)) {
  console.error(`error: no such platform: ${platform}\nhint: one of ${Object.keys(PLATFORMS).join(", ")}`);
  process.exit(2);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const stage = mkdtempSync(join(tmpdir(), "flashsloth-pack-"));
try {
  for (const path of ["README.md", "LICENSE", ...manifest.files].flatMap(filesBelow)) {
    const [, brought] = /^dist\/onnxruntime\/([^/]+)\/./.exec(path) ?? [];
    if (path === "package.json" || (platform !== undefined && brought !== undefined && brought !== platform))
      continue;
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    try {
      linkSync(join(root, path), join(stage, path));
    } catch {
      copyFileSync(join(root, path), join(stage, path));
    }
  }
  writeFileSync(join(stage, "package.json"), `${JSON.stringify(packed(), null, 2)}\n`);
  const [{ filename, size, unpackedSize }] = JSON.parse(npm(stage));
  const name = platform === undefined ? filename : filename.replace(/\.tgz$/, `-${platform}.tgz`);
  mkdirSync(out, { recursive: true });
  const target = resolve(out, name);
  copyFileSync(join(stage, filename), `${target}.part`);
  renameSync(`${target}.part`, target);
  console.log(JSON.stringify({ file: target, size, unpackedSize }));
} finally {
  rmSync(stage, { recursive: true });
}

/** A file, or those in a folder, by their paths from the root. */
function filesBelow(path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesBelow(`${path}/${name}`));
}

/** What `npm pack` says, as JSON. */
function npm(cwd) {
  return execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--silent"], {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 26,
    shell: process.platform === "win32",
  });
}

/** The manifest without what only working on the package needs. */
function packed() {
  const { devDependencies: _dev, allowScripts: _allowed, scripts: _scripts, ...rest } = manifest;
  if (platform === undefined) return rest;
  const [os, cpu] = platform.split("-");
  const library = `@node-llama-cpp/${PLATFORMS[platform]}`;
  return {
    ...rest,
    os: [os],
    cpu: [cpu],
    optionalDependencies: { [library]: rest.optionalDependencies[library] },
  };
}
