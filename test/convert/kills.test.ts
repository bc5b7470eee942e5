import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CARD_FILE, MANIFEST_FILE, readManifest, type Manifest } from "../../src/core/model/manifest.ts";
import { writeSmallCheckpoint } from "./small-checkpoint.ts";
import { random } from "../random.ts";

/*
 * SIGKILL at random moments of a conversion with quantisation. `FLASHSLOTH_KILLS=200 npx vitest run
 * test/convert/kills.test.ts` is the long form; `FLASHSLOTH_SEED` repeats a run.
 */
const KILLS = Number(process.env["FLASHSLOTH_KILLS"] ?? 12);
const SEED = Number(process.env["FLASHSLOTH_SEED"] ?? 1);
const BINARY = resolve(import.meta.dirname, "../../bin/flashsloth.js");
const RECORD = "conversion.json";

let folder: string;
let checkpoint: string;
let home: string;
let out: string;
let reference: Manifest;
let fullMs: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-kills-"));
  checkpoint = join(folder, "checkpoint");
  await writeSmallCheckpoint(checkpoint);
  home = join(folder, "models");
  await mkdir(home);
  out = join(home, "model");
  const start = performance.now();
  const { status, stderr } = await ended(convert());
  if (status !== 0) throw new Error(stderr);
  fullMs = performance.now() - start;
  reference = await readManifest(out);
  await rm(out, { recursive: true });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function convert(quant = "q4_k_m"): ChildProcess {
  const words = ["convert", checkpoint, out, "--quant", quant, "--name", "small"];
  return spawn(process.execPath, [BINARY, ...words], { stdio: ["ignore", "pipe", "pipe"] });
}

async function ended(child: ChildProcess): Promise<{ status: number | null; stderr: string }> {
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout?.resume();
  return await new Promise((done) => child.once("close", (status) => done({ status, stderr })));
}

/** Names of the finished files and their file numbers: a file that is used again keeps its number. */
async function finishedFiles(): Promise<Map<string, number>> {
  const partial = `${out}.partial`;
  if (!existsSync(join(partial, RECORD))) return new Map();
  const { files } = JSON.parse(await readFile(join(partial, RECORD), "utf8")) as Pick<Manifest, "files">;
  return new Map(
    await Promise.all(
      files.map(async ({ name, size }) => {
        const found = await stat(join(partial, name));
        expect(found.size, name).toBe(size);
        return [name, found.ino] as const;
      }),
    ),
  );
}

async function recordText(): Promise<string> {
  return readFile(join(`${out}.partial`, RECORD), "utf8").catch(() => "");
}

/** How far a conversion is, by what is finished. */
const PHASES = ["nothing", "quantizing", "graphs", "done"] as const;

async function phase(): Promise<(typeof PHASES)[number]> {
  if (existsSync(out)) return "done";
  const text = await recordText();
  if (text.includes('"language.gguf"')) return "graphs";
  return text.includes('"language.f16.gguf"') ? "quantizing" : "nothing";
}

/**
 * The first kills hit each phase in turn, so that none is left to chance. Of the others two in three hit any moment of the run,
 * the rest what comes after the quantisation.
 */
async function moment(kill: number, child: ChildProcess, next: () => number): Promise<void> {
  const wanted = PHASES[kill];
  if (wanted !== undefined) {
    const isUnderWay = (): boolean => existsSync(`${out}.partial`) || existsSync(out);
    while (child.exitCode === null && !(isUnderWay() && (await phase()) === wanted)) await sleep(2);
    return;
  }
  const [kind, fraction] = [next(), next()];
  if (kind < 2 / 3) {
    await sleep(fraction * 1.05 * fullMs);
    return;
  }
  while (child.exitCode === null && !(await recordText()).includes(`"language.gguf"`)) await sleep(2);
  await sleep(fraction * 0.25 * fullMs);
}

function hashesOf(files: Manifest["files"]): Map<string, string> {
  return new Map(files.map(({ name, sha256 }) => [name, sha256]));
}

/** A model is there whole, with the right bytes, or not at all. */
async function checkModel(): Promise<void> {
  expect(await readManifest(out)).toMatchObject({ quant: "q4_k_m", geometry: reference.geometry });
  const { files } = await readManifest(out);
  expect((await readdir(out)).toSorted()).toEqual(
    [CARD_FILE, MANIFEST_FILE, ...files.map(({ name }) => name)].toSorted(),
  );
  expect(hashesOf(files)).toEqual(hashesOf(reference.files));
  for (const { name, sha256 } of files) {
    const bytes = await readFile(join(out, name));
    expect(createHash("sha256").update(bytes).digest("hex"), name).toBe(sha256);
  }
}

describe("a conversion that is killed", () => {
  it(
    `completes after each of ${KILLS} kills, uses finished files again and leaves no stray file`,
    { timeout: 120_000 + KILLS * 20_000 },
    async () => {
      const next = random(SEED);
      const moments = { nothing: 0, quantizing: 0, graphs: 0, done: 0 };
      let reused = 0;
      for (let kill = 0; kill < KILLS;) {
        const strokes = 1 + Math.floor(next() * 2);
        for (let stroke = 0; stroke < strokes && kill < KILLS; stroke++, kill++) {
          const child = convert();
          const end = ended(child);
          await Promise.race([moment(kill, child, next), end]);
          child.kill("SIGKILL");
          await end;
          moments[await phase()] += 1;
          if (existsSync(out)) {
            await checkModel();
            await rm(out, { recursive: true });
          }
        }

        const before = await finishedFiles();
        const { status, stderr } = await ended(convert());
        expect(status, stderr).toBe(0);
        await checkModel();
        for (const [name, number] of before) {
          if (name === "language.f16.gguf") continue;
          expect((await stat(join(out, name))).ino, name).toBe(number);
          reused += 1;
        }
        expect(await readdir(home)).toEqual(["model"]);
        await rm(out, { recursive: true });
      }
      console.log(`kills by what was finished: ${JSON.stringify(moments)}; files used again: ${reused}`);
      for (const reached of PHASES.slice(0, KILLS)) expect(moments[reached], reached).toBeGreaterThan(0);
      expect(reused).toBeGreaterThan(0);
    },
  );

  it.each(["q4_k_m", "iq4_nl"])("to %s takes llama.cpp's process along", async (quant) => {
    const child = convert(quant);
    const end = ended(child);
    const unfinished = async (): Promise<string | undefined> =>
      (await readdir(`${out}.partial`).catch(() => [])).find((name) =>
        /^language\.gguf\.[0-9a-f]{12}$/.test(name),
      );
    let file: string | undefined;
    while (child.exitCode === null && (file = await unfinished()) === undefined) await sleep(5);
    child.kill("SIGKILL");
    await end;
    await sleep(500);
    const path = join(`${out}.partial`, file ?? "");
    const { size } = await stat(path);
    await sleep(500);
    expect((await stat(path)).size).toBe(size);
    expect(await ended(convert())).toMatchObject({ status: 0 });
    expect(await readdir(home)).toEqual(["model"]);
    await rm(out, { recursive: true });
  });

  it("goes on after Ctrl-C, which ends a quantisation at once", async () => {
    const child = convert();
    const end = ended(child);
    while (child.exitCode === null && !existsSync(join(`${out}.partial`, "language.f16.gguf")))
      await sleep(5);
    while (child.exitCode === null && (await readdir(`${out}.partial`).catch(() => [])).length < 3)
      await sleep(5);
    const stopped = performance.now();
    child.kill("SIGINT");
    expect(await end).toMatchObject({ status: 130 });
    expect(performance.now() - stopped).toBeLessThan(5000);
    expect(await ended(convert())).toMatchObject({ status: 0 });
    expect(await readdir(home)).toEqual(["model"]);
    await rm(out, { recursive: true });
  });
});

describe("two conversions to one folder at once", () => {
  it("end with one model, and the second is told why", async () => {
    const [first, second] = await Promise.all([ended(convert()), ended(convert())]);
    const statuses = new Set([first.status, second.status]);
    expect(statuses).toEqual(new Set([0, 2]));
    const refused = first.status === 2 ? first : second;
    expect(refused.stderr).toMatch(/error: process \d+ is converting to .*model already/);
    await checkModel();
    expect(await readdir(home)).toEqual(["model"]);
  });
});
