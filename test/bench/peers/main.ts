import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { describeMachine, describeVersions } from "../../../src/engine/machine.ts";
import { samplePicture } from "../../../src/bench/sample-picture.ts";
import { readManifest, variantOf } from "../../../src/core/model/manifest.ts";
import { showVariant } from "../../../src/core/model/variant.ts";
import { defaultThreads } from "../../../src/engine/threads.ts";
import { describeCpu } from "../cpu.ts";
import { benchCache, buildLlamaTool } from "../llama/build.ts";
import { type Measured, peersTable } from "./measured.ts";
import { askPeer } from "./mtmd.ts";
import { askOurs } from "./ours.ts";
import { PEERS } from "./shapes.ts";
import { writePeer } from "./write.ts";

/** The systems that the paper compares with, at their own settings; one of them held to about as many tokens as we take, too. */
const SYSTEMS = [
  { key: "qwen2-vl-2b", held: undefined },
  { key: "qwen2-vl-2b", held: 128 },
  { key: "internvl2-2b", held: undefined },
  { key: "minicpm-v-2", held: undefined },
] as const;
const MAX_TOKENS = 8;

const USAGE = `usage: npm run peers -- MODEL_FOLDER... [--rounds N] [--only ${Object.keys(PEERS).join(",")}] [--sizes 640x480,1024x768] [--folder DIR]

Times whole commands, cold, ours and llama.cpp's llama-mtmd-cli with models of other published shapes and made-up weights (8 GB,
kept in DIR), in turn, on pictures of these sizes. On Linux, with git and a C++ compiler. Run it on a quiet machine.`;

/** Node reads the certificates that this names whenever it starts, which has nothing to do with us. */
delete process.env["NODE_EXTRA_CA_CERTS"];

interface System {
  readonly name: string;
  readonly ours: boolean;
  readonly ask: (picture: string) => Promise<Measured>;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      only: { type: "string", default: Object.keys(PEERS).join(",") },
      sizes: { type: "string", default: "640x480,1024x768" },
      folder: { type: "string", default: join(benchCache(), "peers") },
      question: { type: "string", default: "What is in this picture?" },
    },
  });
  const rounds = Number(values.rounds);
  const wanted = new Set(values.only.split(","));
  const sizes = values.sizes.split(",").map((text) => text.split("x").map(Number));
  const known = [...wanted].every((name) => name in PEERS);
  const sized = sizes.every((size) => size.length === 2 && size.every((side) => side >= 16));
  if (positionals.length === 0 || !(rounds >= 1) || !known || !sized) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const systems = await prepare(
    positionals.map((folder) => resolve(folder)),
    wanted,
    values,
  );
  await describe(rounds);
  const scratch = await mkdtemp(join(tmpdir(), "flashsloth-peers-"));
  try {
    for (const [width = 0, height = 0] of sizes) {
      const picture = join(scratch, `${width}x${height}.jpg`);
      const pixels = sharp(await samplePicture()).resize(width, height, { fit: "fill" });
      await writeFile(picture, await pixels.jpeg({ quality: 90 }).toBuffer());
      console.log(`\n${width} x ${height}:\n\n${await measure(systems, picture, rounds)}`);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Everything that has to be built and written before anything is timed. */
async function prepare(
  folders: readonly string[],
  wanted: ReadonlySet<string>,
  { folder, question }: { readonly folder: string; readonly question: string },
): Promise<System[]> {
  const systems: System[] = [];
  const binary = resolve("bin/flashsloth.js");
  let threads = 1;
  for (const directory of folders) {
    const manifest = await readManifest(directory);
    const count = await defaultThreads(manifest.geometry.hiddenSize);
    threads = Math.max(threads, count);
    systems.push({
      name: `ours, ${showVariant(variantOf(manifest))}`,
      ours: true,
      ask: async (picture) =>
        askOurs({ directory, binary, picture, question, threads: count, maxTokens: MAX_TOKENS }),
    });
  }
  const mtmd = await buildLlamaTool("mtmd");
  for (const { key, held } of SYSTEMS) {
    if (!wanted.has(key)) continue;
    const peer = PEERS[key];
    const files = await writePeer(folder, { key, peer, question });
    const words = held === undefined ? [] : ["--image-max-tokens", String(held)];
    systems.push({
      name: held === undefined ? peer.name : `${peer.name}, at most ${held} image tokens`,
      ours: false,
      ask: async (picture) =>
        askPeer({ binary: mtmd, files, picture, question, threads, maxTokens: MAX_TOKENS, words }),
    });
  }
  return systems;
}

async function describe(rounds: number): Promise<void> {
  const { system } = describeMachine();
  const { model, instructions, threads } = await describeCpu();
  const versions = await describeVersions();
  console.log(`${model} (${instructions}), ${threads} threads, ${system}; medians of ${rounds}, in turn`);
  console.log(`onnxruntime ${versions.onnxruntime}, llama.cpp ${versions.llama_cpp}, Node ${versions.node}`);
}

/** Each process that counts follows at once on one like it, which fills the page cache; see `cold.ts` of the ratios. */
async function measure(systems: readonly System[], picture: string, rounds: number): Promise<string> {
  const rows = systems.map(({ name, ours, ask }) => ({ system: name, ours, ask, runs: [] as Measured[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { ask, runs } of rows) {
      if (round === 0) await ask(picture);
      runs.push(await ask(picture));
    }
  }
  return peersTable(rows);
}

await main();
