import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { finished, Place, QUESTION, RED_CIRCLE, type Finished } from "../cli/binary.ts";
import { ROOT } from "../pages/printed.ts";
import { install, MANAGERS, megabytes, NODES, registryEnvironment } from "./managers.ts";

/*
 * The tarball in an empty prefix, by npm. `FLASHSLOTH_INSTALLS=all npx vitest run test/install` does it with every manager and
 * every Node that npm has, on Linux x64; `FLASHSLOTH_TOOLS` keeps those in a folder.
 */
const ALL = process.env["FLASHSLOTH_INSTALLS"] === "all";
const TOOLS = process.env["FLASHSLOTH_TOOLS"];

const place = new Place();
let tarball = "";

async function run(
  command: string,
  words: readonly string[],
  cwd: string,
  env = registryEnvironment(),
): Promise<Finished> {
  return finished(spawn(command, words, { cwd, env }));
}

beforeAll(async () => {
  const platform = `${process.platform}-${process.arch}`;
  const words = [join(ROOT, "packaging/pack.js"), "--platform", platform, "--out", place.path("packed")];
  const { status, stdout, stderr } = await run(process.execPath, words, ROOT);
  if (status !== 0) throw new Error(stderr);
  tarball = (JSON.parse(stdout) as { file: string }).file;
});

/** Asks the demo with what was installed, and nothing of this checkout. */
async function ask(binary: string, env: Readonly<Record<string, string>>): Promise<Finished> {
  const store = place.path("asked");
  await rm(store, { recursive: true, force: true });
  const words = ["ask", "-m", "demo", "--quiet", RED_CIRCLE, QUESTION];
  return run(binary, words, place.directory, { ...env, FLASHSLOTH_HOME: store });
}

describe("the packed package", () => {
  it("is installed by npm into an empty prefix, runs no script, and answers", async () => {
    const prefix = place.path("prefix");
    await mkdir(prefix);
    const words = [
      "install",
      "-g",
      "--prefix",
      prefix,
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      tarball,
    ];
    const installed = await run("npm", words, prefix);
    expect(installed.status, installed.stderr).toBe(0);
    const answered = await ask(join(prefix, "bin/flashsloth"), registryEnvironment());
    expect(answered).toMatchObject({ status: 0, stdout: "Red.\n" });

    const modules = join(prefix, "lib/node_modules/flashsloth/node_modules");
    expect(await megabytes(prefix)).toBeLessThan(200);
    const names = await readdir(modules);
    expect(names).not.toContain("onnxruntime-node");
    expect(names).not.toContain("node-llama-cpp");
  });

  it("says what to install where a graphics processor's libraries are asked for", async () => {
    const binary = place.path("prefix/bin/flashsloth");
    const words = ["ask", "-m", "demo", "--language-device", "vulkan", "--quiet", RED_CIRCLE, QUESTION];
    const env = { ...registryEnvironment(), FLASHSLOTH_HOME: place.path("asked") };
    const { status, stderr } = await run(binary, words, place.directory, env);
    expect(status, stderr).toBe(1);
    expect(stderr).toMatch(/npm install -g @node-llama-cpp\/linux-x64-vulkan@3\.21\.1/);
  });

  it("has a man page, the licences of what is joined, and no file of the tests", async () => {
    const root = place.path("prefix/lib/node_modules/flashsloth");
    expect(await readFile(place.path("prefix/share/man/man1/flashsloth.1"), "utf8")).toContain(
      ".TH FLASHSLOTH 1",
    );
    expect(await readFile(join(root, "dist/THIRD-PARTY-NOTICES.md"), "utf8")).toContain("## commander ");
    for (const name of ["test", "docs", "packaging"]) expect(existsSync(join(root, name)), name).toBe(false);
  });

  it("has the page of serve", async () => {
    const page = place.path("prefix/lib/node_modules/flashsloth/dist/page");
    expect(new Set(await readdir(page))).toEqual(new Set(["index.html", "page.css", "page.js", "page.svg"]));
  });

  it("names in its dependencies what its files load, and nothing else", async () => {
    const root = place.path("prefix/lib/node_modules/flashsloth");
    const { dependencies, optionalDependencies } = JSON.parse(
      await readFile(join(root, "package.json"), "utf8"),
    ) as {
      readonly dependencies: Readonly<Record<string, string>>;
      readonly optionalDependencies: Readonly<Record<string, string>>;
    };
    // valibot only in the types; sharp is joined, and finds its library through its package
    expect(Object.keys(dependencies)).toEqual(["koffi", "libheif-js", "sharp", "sixel", "undici", "valibot"]);
    for (const native of ["koffi", "libheif-js", "sharp"])
      expect(dependencies[native]).toMatch(/^\d+\.\d+\.\d+$/);
    for (const version of Object.values(optionalDependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

const tools = (): string => TOOLS ?? place.path("tools");

describe.runIf(ALL)("every manager and Node", () => {
  const rows: string[] = [];

  beforeAll(async () => {
    await mkdir(tools(), { recursive: true });
    const managers = Object.values(MANAGERS).map(({ alias, spec }) => `${alias}@${spec}`);
    const nodes = Object.entries(NODES).map(([alias, spec]) => `${alias}@${spec}`);
    const words = [
      "install",
      "--prefix",
      tools(),
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      ...managers,
      ...nodes,
    ];
    const { status, stderr } = await run("npm", words, tools());
    if (status !== 0) throw new Error(stderr);
  }, 600_000);

  it.each(Object.keys(MANAGERS).flatMap((manager) => Object.keys(NODES).map((node) => ({ manager, node }))))(
    "$manager on $node",
    { timeout: 600_000 },
    async ({ manager: name, node }) => {
      const manager = MANAGERS[name];
      if (manager === undefined) throw new Error(name);
      const folder = place.path(`${manager.alias}-${node}`);
      const { ended, env, seconds } = await install({ manager, tarball, folder, tools: tools(), node });
      expect(ended.status, ended.stderr + ended.stdout).toBe(0);
      for (const cache of ["cache", "store", "global"])
        await rm(join(folder, cache), { recursive: true, force: true });
      const { stdout, stderr } = await ask(join(folder, manager.bin), env);
      const size = await megabytes(folder);
      rows.push(
        `| ${name} | ${node.replace("node", "")} | ${seconds.toFixed(0)} | ${size.toFixed(0)} | \`${stdout.trim()}\` |`,
      );
      console.log(rows.at(-1));
      expect(stdout, stderr).toBe("Red.\n");
      await rm(folder, { recursive: true });
    },
  );
});
