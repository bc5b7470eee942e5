import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { BINARY, Place } from "./binary.ts";

const place = new Place();

/** Milliseconds of the processor that a command takes: what else the machine does hardly changes them. */
function time(words: readonly string[]): number {
  const line = `TIMEFORMAT="%3U %3S"; time "$0" "$@" > /dev/null`;
  const { status, stderr } = spawnSync("bash", ["-c", line, process.execPath, ...words], {
    env: place.environment({ LC_ALL: "C" }),
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  const [user = Number.NaN, system = Number.NaN] = stderr.trim().split(" ").map(Number);
  return 1000 * (user + system);
}

const ROUNDS = 31;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const BUILT = new URL("../../dist/lib/", import.meta.url);

/** The built files that a file imports before its first line runs, itself included, and the packages that these import. */
function importedAtOnce(entry: string): { readonly files: string[]; readonly packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(new URL(file, BUILT), "utf8");
    for (const [, next = ""] of text.matchAll(/^(?:import|export) (?:.* from )?"([^"]+)";$/gm)) {
      if (next.startsWith("./")) visit(next.slice(2));
      else if (!next.startsWith("node:")) packages.add(next);
    }
  };
  visit(entry);
  return { files: [...files].sort(), packages: [...packages].sort() };
}

function readAtOnce(entry: string): string[] {
  return importedAtOnce(entry).files;
}

function sizeOf(file: string): number {
  return statSync(new URL(file, BUILT)).size;
}

describe("start-up", () => {
  it("of ask --help takes at most 2.5 times that of node itself", () => {
    // taken in turn, so that whatever else the machine does happens to both
    const pairs = Array.from({ length: ROUNDS }, () => ({
      node: time(["-e", "0"]),
      help: time([BINARY, "ask", "--help"]),
    }));
    const ratio = median(pairs.map(({ help }) => help)) / median(pairs.map(({ node }) => node));
    console.log(`ask --help / node -e 0: ${ratio.toFixed(2)}, medians of ${ROUNDS}`);
    expect(ratio).toBeLessThanOrEqual(2.5);
  });

  it("loads no native library for --help", async () => {
    const probe = place.path("probe.cjs");
    await writeFile(
      probe,
      `const { writeFileSync } = require("node:fs");
       process.on("exit", () => writeFileSync(process.env.PROBE, JSON.stringify({
         libraries: process.report.getReport().sharedObjects,
         modules: Object.keys(require.cache),
       })));`,
    );
    const loaded = async (words: string[]): Promise<string[]> => {
      const env = { NODE_OPTIONS: `--require ${probe}`, PROBE: place.path("probe.json") };
      const { status } = await place.run(words, { env });
      expect(status).toBe(0);
      const report = JSON.parse(readFileSync(env.PROBE, "utf8")) as { libraries: string[] };
      return report.libraries.filter((library) => /node_modules/.test(library));
    };
    expect(await loaded(["--help"])).toEqual([]);
    expect(await loaded(["ask", "--help"])).toEqual([]);
    expect(await loaded(["--version"])).toEqual([]);
  });

  it("reads few files: Node spends a millisecond on each", () => {
    expect(readAtOnce("flashsloth.js")).toEqual(["core.js", "flashsloth.js", "rolldown-runtime.js"]);
    expect(readAtOnce("ask.js").length).toBeLessThanOrEqual(5);
    expect(readAtOnce("worker.js").length).toBeLessThanOrEqual(7);
  });

  it("reads nothing for --help that only the commands' work needs", () => {
    expect(sizeOf("core.js")).toBeLessThan(16_000); // the manifest's schema alone would be 26,000
    expect(sizeOf("flashsloth.js")).toBeLessThan(160_000); // most of it is commander
  });

  it.each([
    ["flashsloth.js", []],
    ["ask.js", []],
    ["list.js", []],
    ["verify.js", []],
    ["remove.js", []],
    ["convert.js", []],
    ["bench.js", []],
    ["index.js", []],
    ["pull.js", ["undici"]],
    ["worker.js", ["koffi"]],
  ])("%s loads no package before it needs to but %j", (entry, packages) => {
    expect(importedAtOnce(entry).packages).toEqual(packages);
  });

  it("prints the package's version", async () => {
    const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    const { version } = JSON.parse(text) as { version: string };
    expect(await place.run(["-V"])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: "" });
  });
});
