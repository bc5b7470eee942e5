import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { knownSizes } from "../../../src/bench/flops.ts";
import { describeMachine, describeVersions } from "../../../src/engine/machine.ts";
import { samplePicture } from "../../../src/bench/sample-picture.ts";
import { readManifest, variantOf } from "../../../src/core/model/manifest.ts";
import { showVariant } from "../../../src/core/model/variant.ts";
import { defaultThreads } from "../../../src/engine/threads.ts";
import { type Cpu, describeCpu, showInstructions } from "../cpu.ts";
import { HIDE_USAGE, hiddenHere, startedWithout } from "../hidden.ts";
import { againFigure } from "./again.ts";
import { coldFigure } from "./cold.ts";
import { compressionFigure } from "./compression.ts";
import { type Figure, figureLine, reaches, type Setup } from "./figure.ts";
import { folderFigures } from "./folder.ts";
import { javascriptFigure } from "./javascript.ts";
import { keep, KEPT_FOLDER, type KeptFigure, readKept, renderTables, withTables } from "./kept.ts";
import { languageFigures } from "./language.ts";
import { memoryFigure } from "./memory.ts";
import { newProcessFigure } from "./new-process.ts";
import { serveFigure } from "./serve.ts";
import { throughputFigures } from "./throughput.ts";
import { variantFigures } from "./variants.ts";
import { visionFigure } from "./vision.ts";

const FIGURES: Readonly<Record<string, (setup: Setup) => Promise<Figure | Figure[]>>> = {
  language: languageFigures,
  vision: visionFigure,
  compression: compressionFigure,
  again: againFigure,
  cold: coldFigure,
  "new-process": newProcessFigure,
  javascript: javascriptFigure,
  memory: memoryFigure,
  throughput: throughputFigures,
  folder: folderFigures,
  serve: serveFigure,
  variants: variantFigures,
};

const USAGE = `usage: npm run ratios -- MODEL_FOLDER [--only ${Object.keys(FIGURES).join(",")}] [--other FOLDER] [--rounds N]
       [--picture FILE] [--question TEXT] [--hide amx|avx512] [--keep]

Measures the ratios that docs/speed.md states, on the CPU, from a converted model's folder. Run it on a quiet machine.
  --other FOLDER  a faster variant of it, for "variants": its first word and its vision against the model's
  --keep          write them into this kind of processor's table in ${KEPT_FOLDER}, and that into docs/speed.md
${HIDE_USAGE}`;

/** Node reads the certificates that this names whenever it starts, which has nothing to do with us. */
delete process.env["NODE_EXTRA_CA_CERTS"];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string", default: Object.keys(FIGURES).join(",") },
      rounds: { type: "string", default: "5" },
      other: { type: "string" },
      keep: { type: "boolean", default: false },
      hide: { type: "string" },
      picture: { type: "string" },
      question: { type: "string", default: "What is in this picture?" },
    },
  });
  const [folder] = positionals;
  const rounds = Number(values.rounds);
  const wanted = values.only.split(",");
  if (folder === undefined || !(rounds >= 1) || wanted.some((name) => FIGURES[name] === undefined)) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  if (startedWithout(values.hide)) return;
  const directory = resolve(folder);
  const manifest = await readManifest(directory);
  const { name, geometry } = manifest;
  const sizes = knownSizes(geometry);
  if (sizes === undefined) throw new Error(`${directory} does not record its sizes: convert it again`);
  const threads = await defaultThreads(geometry.hiddenSize);
  const scratch = await mkdtemp(join(tmpdir(), "flashsloth-ratios-"));
  try {
    const picture = resolve(values.picture ?? join(scratch, "picture.jpg"));
    if (values.picture === undefined) await writeFile(picture, await samplePicture());
    const cpu = await describeCpu(hiddenHere());
    const highDefinition = geometry.crops === "tiles";
    const variant = showVariant(variantOf(manifest));
    const setup: Setup = {
      directory,
      other: values.other === undefined ? undefined : resolve(values.other),
      cpu,
      sizes,
      highDefinition,
      picture,
      question: values.question,
      threads,
      rounds,
      binary: resolve("bin/flashsloth.js"),
    };
    const versions = await describeVersions();
    console.log(`${name} ${variant}, ${rounds} rounds, ${threads} threads`);
    console.log(`${cpu.model}: ${showInstructions(cpu)}, ${describeMachine().system}`);
    console.log(
      `onnxruntime ${versions.onnxruntime}, llama.cpp ${versions.llama_cpp}, Node ${versions.node}\n`,
    );
    console.log("| figure | value | bar | reached | measured |\n|---|---:|---:|---|---|");
    const model = `${variant}${highDefinition ? ", five crops" : ""}`;
    const date = new Date().toISOString().slice(0, 10);
    const measured: KeptFigure[] = [];
    for (const each of wanted) {
      const figures = [await FIGURES[each]?.(setup)].flat();
      for (const figure of figures) {
        if (figure === undefined) continue;
        console.log(figureLine(figure));
        measured.push({ model, date, rounds, ...figure });
        if (!reaches(figure)) process.exitCode = 1;
      }
    }
    if (values.keep) await keepAll(cpu, measured);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Into the table of this kind of processor, and all tables into the page on speed. */
async function keepAll(cpu: Cpu, measured: readonly KeptFigure[]): Promise<void> {
  const folder = resolve(KEPT_FOLDER);
  await keep(folder, cpu, measured);
  const page = resolve("docs/speed.md");
  const tables = renderTables((await readKept(folder)).values());
  await writeFile(page, withTables(await readFile(page, "utf8"), tables));
  await promisify(execFile)("npx", ["oxfmt", page, folder]);
}

await main();
