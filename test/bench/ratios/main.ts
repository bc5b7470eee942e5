import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { knownSizes } from "../../../src/bench/flops.ts";
import { describeMachine, describeVersions } from "../../../src/bench/machine.ts";
import { samplePicture } from "../../../src/bench/sample-picture.ts";
import { readManifest } from "../../../src/core/manifest.ts";
import { defaultThreads } from "../../../src/engine/threads.ts";
import { againFigure } from "./again.ts";
import { coldFigure } from "./cold.ts";
import { compressionFigure } from "./compression.ts";
import { type Figure, figureLine, reaches, type Setup } from "./figure.ts";
import { folderFigures } from "./folder.ts";
import { javascriptFigure } from "./javascript.ts";
import { keptFigure } from "./kept.ts";
import { languageFigures } from "./language.ts";
import { memoryFigure } from "./memory.ts";
import { throughputFigures } from "./throughput.ts";
import { visionFigure } from "./vision.ts";

const FIGURES: Readonly<Record<string, (setup: Setup) => Promise<Figure | Figure[]>>> = {
  language: languageFigures,
  vision: visionFigure,
  compression: compressionFigure,
  again: againFigure,
  cold: coldFigure,
  kept: keptFigure,
  javascript: javascriptFigure,
  memory: memoryFigure,
  throughput: throughputFigures,
  folder: folderFigures,
};

const USAGE = `usage: npm run ratios -- MODEL_FOLDER [--only ${Object.keys(FIGURES).join(",")}] [--rounds N] [--picture FILE] [--question TEXT]

Measures the ratios that the README's table states, on the CPU, from a converted model's folder. Run it on a quiet machine.`;

/** Node reads the certificates that this names whenever it starts, which has nothing to do with us. */
delete process.env["NODE_EXTRA_CA_CERTS"];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string", default: Object.keys(FIGURES).join(",") },
      rounds: { type: "string", default: "5" },
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
  const directory = resolve(folder);
  const { name, quant, geometry } = await readManifest(directory);
  const sizes = knownSizes(geometry);
  if (sizes === undefined) throw new Error(`${directory} does not record its sizes: convert it again`);
  const threads = await defaultThreads(geometry.hiddenSize);
  const scratch = await mkdtemp(join(tmpdir(), "flashsloth-ratios-"));
  try {
    const picture = resolve(values.picture ?? join(scratch, "picture.jpg"));
    if (values.picture === undefined) await writeFile(picture, await samplePicture());
    const setup: Setup = {
      directory,
      sizes,
      highDefinition: geometry.crops === "tiles",
      picture,
      question: values.question,
      threads,
      rounds,
      binary: resolve("bin/flashsloth.js"),
    };
    const { cpu, system } = describeMachine();
    const versions = await describeVersions();
    console.log(`${name} ${quant}, ${rounds} rounds, ${threads} threads, ${cpu}, ${system}`);
    console.log(
      `onnxruntime ${versions.onnxruntime}, llama.cpp ${versions.llama_cpp}, Node ${versions.node}\n`,
    );
    console.log("| figure | value | bar | reached | measured |\n|---|---:|---:|---|---|");
    for (const each of wanted) {
      const figures = [await FIGURES[each]?.(setup)].flat();
      for (const figure of figures) {
        if (figure === undefined) continue;
        console.log(figureLine(figure));
        if (!reaches(figure)) process.exitCode = 1;
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
