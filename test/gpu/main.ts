import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { DeviceChoice } from "../../src/core/model/device.ts";
import type { FormName } from "../../src/vision/form.ts";
import { describeMachine, describeVersions } from "../../src/engine/machine.ts";
import { convertModels, measureDevices, type DeviceRow, type MeasureOptions } from "./device.ts";

/*
 * Measures every pair of devices of a machine, each in a process of its own, and prints one table. Runs from the archive that `pack.sh`
 * makes, on a machine with nothing but a driver; no network is used.
 */

/**
 * What the picture is encoded on, in which form where not the fastest in float32, and what it is answered on; the CPU is what the
 * others are compared with.
 */
const PAIRS = [
  "cpu+cpu",
  "cpu+cuda",
  "cpu+vulkan",
  "webgpu+cuda",
  "webgpu:single+vulkan",
  "webgpu:batch+vulkan",
  "webgpu:half+vulkan",
  "cuda:single+cuda",
  "cuda:batch+cuda",
  "cuda:half+cuda",
];

const { values } = parseArgs({
  options: {
    /** `webgpu:half+vulkan,cpu+cpu` */
    pairs: { type: "string", default: PAIRS.join() },
    drawings: { type: "string", default: "200" },
    /** `base`, `hd`, both or none: on a driver that computes on the CPU one takes minutes */
    goldens: { type: "string", default: "base,hd" },
    /** the longest time for one pair */
    minutes: { type: "string", default: "20" },
    /** of one pair, in this process */
    one: { type: "string" },
  },
});

const goldens = (["base", "hd"] as const).filter((name) => values.goldens.split(",").includes(name));

if (values.one === undefined) await measureAll();
else process.send?.(await measureDevices(JSON.parse(values.one) as MeasureOptions));

async function measureAll(): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "flashsloth-gpu-"));
  try {
    console.error("converting the models");
    await convertModels(scratch, goldens);
    const rows: (DeviceRow | { readonly pair: string; readonly failed: string })[] = [];
    for (const pair of values.pairs.split(",")) {
      const [vision, languageDevice] = pair.split("+") as [string, DeviceChoice];
      const [visionDevice, visionForm] = vision.split(":") as [DeviceChoice, FormName?];
      console.error(`measuring ${pair}`);
      const drawings = Number(values.drawings);
      const one = { visionDevice, languageDevice, visionForm, scratch, drawings, goldens };
      rows.push(await measureApart(pair, one));
    }
    console.log(await table(rows));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A driver may end its process, or never answer. */
async function measureApart(
  pair: string,
  one: MeasureOptions,
): Promise<DeviceRow | { readonly pair: string; readonly failed: string }> {
  const words = [fileURLToPath(import.meta.url), "--one", JSON.stringify(one)];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let said = "";
  child.stderr?.on("data", (piece: Buffer) => (said += piece.toString("utf8")));
  const timer = setTimeout(() => child.kill("SIGKILL"), Number(values.minutes) * 60_000);
  let row: DeviceRow | undefined;
  child.once("message", (message) => {
    row = message as DeviceRow;
    child.kill("SIGKILL"); // what drivers do at the end of a process is not measured
  });
  const end = await new Promise<string>((resolve) => {
    child.once("close", (status, signal) => resolve(signal ?? `status ${status}`));
  });
  clearTimeout(timer);
  if (row !== undefined) return row;
  const [reason] = /^\w*Error: .*$/m.exec(said) ?? [said.trim().split("\n").at(-1) ?? ""];
  return { pair, failed: `${end}: ${reason.slice(0, 160)}` };
}

async function table(
  rows: readonly (DeviceRow | { readonly pair: string; readonly failed: string })[],
): Promise<string> {
  const machine = describeMachine();
  const versions = await describeVersions();
  const titles = [
    "vision + language",
    "encoder",
    "device",
    ...goldens.map((name) => `golden ${name}: features, logits`),
    "drawings as PyTorch",
    "load ms",
    "first picture ms",
    "vision ms",
    "prefill ms",
    "EmbQ ms",
    "token ms",
    "pictures/s at once",
    "questions/s",
    "at once",
  ];
  const cells = rows.map((row) => {
    if ("failed" in row) return [row.pair.replace("+", " + "), `not run: ${row.failed.replaceAll("|", "/")}`];
    const { ms, drawings, questionsPerSecond: rate, picturesPerSecond: pictures } = row;
    return [
      `${row.vision} + ${row.language}`,
      row.form,
      row.about,
      ...goldens.map((name) => (row.goldens[name] ?? []).map((error) => error.toExponential(1)).join(", ")),
      `${drawings.same} of ${drawings.of}`,
      ...[ms.load, ms.firstPicture, ms.vision, ms.prefill, ms.embq, ms.token].map((time) => time.toFixed(1)),
      `${pictures.together.toFixed(1)} (${pictures.at})`,
      rate.alone.toFixed(1),
      `${rate.together.toFixed(1)} (${rate.at})`,
    ];
  });
  const line = (row: readonly string[]): string => `| ${titles.map((_, at) => row[at] ?? "").join(" | ")} |`;
  return [
    `${new Date().toISOString().slice(0, 10)}, ${machine.cpu}, ${machine.system}; onnxruntime ${versions.onnxruntime}, llama.cpp ${versions.llama_cpp}`,
    "",
    line(titles),
    line(titles.map(() => "---")),
    ...cells.map(line),
  ].join("\n");
}
