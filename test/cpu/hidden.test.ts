import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../project-root.ts";
import { processorFlags } from "./flags.ts";
import { type Hidden, hidingVariables, withoutHidden } from "./hide-instructions.ts";

/** What computes: the encoder in float32 and int8, the language model in float16 and in every quantised type. */
const FILES = [
  "test/golden/answers.test.ts",
  "test/convert/mixed/write.test.ts",
  "test/convert/vision-precision.test.ts",
  "test/convert/quantize.test.ts",
];
const TESTS = "the base model|mixed vision|with a vision precision|a quantised model";
const AT_LEAST = 70;

const KINDS: readonly {
  readonly hidden: Hidden;
  readonly left: string;
  readonly builds: readonly string[];
}[] = [
  // the only one of llama.cpp's builds with AMX is Sapphire Rapids'
  { hidden: "amx", left: "AVX-512", builds: ["zen4", "cooperlake", "icelake", "cascadelake", "skylakex"] },
  { hidden: "avx512", left: "AVX2", builds: ["haswell"] },
];

const scratch = mkdtempSync(join(tmpdir(), "flashsloth-hidden-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Variables, or why nothing can be hidden here. */
function prepare(hidden: Hidden): Record<string, string> | string {
  const variables = hidingVariables(hidden, scratch);
  if (typeof variables === "string") return variables;
  const flags = processorFlags();
  return withoutHidden(flags, hidden) === flags ? "this processor has nothing of it" : variables;
}

describe.each(KINDS)("with $left and nothing wider", ({ hidden, left, builds }) => {
  const variables = prepare(hidden);
  const [missing, environment] = typeof variables === "string" ? [variables] : [undefined, variables];
  if (missing !== undefined) console.warn(`${left} alone is not tested: ${missing}`);

  const run = (words: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, words, {
      cwd: PROJECT_ROOT,
      encoding: "utf8",
      env: { ...process.env, FLASHSLOTH_HOME: join(scratch, "home"), ...environment },
    });

  it.skipIf(missing !== undefined)("llama.cpp takes the build for that", () => {
    const { stdout } = run([resolve(PROJECT_ROOT, "bin/flashsloth.js"), "doctor", "--json"]);
    const { machine } = JSON.parse(stdout) as { machine: { ggml_cpu_build: string } };
    expect(builds).toContain(machine.ggml_cpu_build);
  });

  it.skipIf(missing !== undefined)(
    "goldens, int8's bounds and quantised answers hold",
    { timeout: 600_000 },
    () => {
      const file = join(scratch, `${hidden}.json`);
      const vitest = resolve(PROJECT_ROOT, "node_modules/vitest/vitest.mjs");
      const reporter = ["--reporter=json", `--outputFile=${file}`];
      const { status, stdout, stderr } = run([vitest, "run", ...FILES, "-t", TESTS, ...reporter]);
      expect(status, `${stdout}${stderr}`).toBe(0);
      const result = JSON.parse(readFileSync(file, "utf8")) as { numPassedTests: number };
      console.log(`${result.numPassedTests} tests passed with ${left} and nothing wider`);
      expect(result.numPassedTests).toBeGreaterThanOrEqual(AT_LEAST);
    },
  );
});
