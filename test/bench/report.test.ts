import { describe, expect, it } from "vitest";
import { encoderFlops, compressFlops } from "../../src/bench/flops.ts";
import type { Round } from "../../src/bench/measure.ts";
import { benchCsv, benchJson, benchMarkdown } from "../../src/bench/render.ts";
import { type BenchReport, medianDecodeRate, stageRows, timeToFirstToken } from "../../src/bench/report.ts";
import { PUBLISHED } from "./published-sizes.ts";

function round(vision: number, answer = 33): Round {
  return {
    picture: {
      id: 1,
      width: 1600,
      height: 1200,
      crops: 1,
      features: 729,
      visualTokens: 81,
      cached: false,
      ms: { image: 50, wait: 0, vision },
    },
    answer: {
      text: "",
      finish: "length",
      tokens: { image: 81, prompt: 142, answer, question: 6 },
      reusedPositions: 0,
      ids: [],
      ms: { wait: 0, queue: 0, prefill: 4000, embq: 100, firstToken: 2, decode: 3200 },
    },
    total: vision + 7252,
  };
}

const ROUNDS = [round(4000), round(5000), round(4500)];
const PEAK = { best: 200, median: 190, runs: 10 };
const LOAD = { vision: 160, embq: 20, language: 600, total: 800 };
const STAGES = stageRows({
  rounds: ROUNDS,
  loadMs: LOAD,
  compress: [60, 50, 55],
  sizes: PUBLISHED,
  peak: PEAK,
});

const REPORT: BenchReport = {
  versions: { flashsloth: "0.1.0", node: "20.20.2", onnxruntime: "1.30.0", llama_cpp: "v0.4.0" },
  machine: { cpu: "A CPU", logical_cpus: 2, memory_bytes: 24 * 2 ** 30, system: "linux 6 x64" },
  model: { name: "flashsloth-3.2b", quant: "q4_k_m", vision_precision: "fp32" },
  device: { vision: "cpu", language: "cpu" },
  threads: 2,
  picture: { name: "a `b`\n| c.jpg", size: "1600 x 1200" },
  question: "What?",
  mode: "warm",
  compressed: true,
  warmup: 1,
  repeat: 3,
  tokens: { image_before: 729, image_after: 81, prompt: 142, prompt_kept: 0, answer: 33 },
  stages: STAGES,
  decode_tokens_per_second: 10,
  matrix_peak: PEAK,
  memory: { peak_bytes: 4 * 2 ** 30, peak_anonymous_bytes: 2 ** 30 },
  notes: ["a note"],
};

describe("stageRows", () => {
  it("has every stage, parts behind their whole", () => {
    expect(STAGES.map(({ stage, component }) => [stage, component])).toEqual([
      ["load", null],
      ["load", "vision"],
      ["load", "embq"],
      ["load", "language"],
      ["image", null],
      ["vision", null],
      ["vision", "compress (SAP + projector)"],
      ["prefill", null],
      ["prefill", "compress (EmbQ)"],
      ["first_token", null],
      ["time_to_first_token", null],
      ["decode", "a token"],
      ["total", null],
    ]);
  });

  it("divides the operations by the median, and that by the peak", () => {
    const vision = STAGES.find(({ stage, component }) => stage === "vision" && component === null);
    const gflop = (encoderFlops(PUBLISHED) + compressFlops(PUBLISHED)) / 1e9;
    expect(vision).toMatchObject({ median_ms: 4500, p95_ms: 4950, samples: 3 });
    expect(vision?.gflop).toBeCloseTo(gflop, 2);
    expect(vision?.gflops).toBeCloseTo(gflop / 4.5, 2);
    expect(vision?.of_peak).toBeCloseTo(gflop / 4.5 / 200, 4);
  });

  it("leaves out what is not known", () => {
    const rows = stageRows({
      rounds: [round(4000, 1)],
      loadMs: LOAD,
      compress: [],
      sizes: undefined,
      peak: undefined,
    });
    expect(rows.map(({ component }) => component)).not.toContain("compress (SAP + projector)");
    expect(rows.map(({ stage }) => stage)).not.toContain("decode");
    expect(rows.every(({ gflop, gflops, of_peak: share }) => (gflop ?? gflops ?? share) === null)).toBe(true);
  });
});

describe("rates", () => {
  it("count what they say", () => {
    const [first = round(0)] = ROUNDS;
    expect(timeToFirstToken(first)).toBe(50 + 4000 + 4000 + 2);
    expect(medianDecodeRate(ROUNDS)).toBe(10);
    expect(medianDecodeRate([round(1, 1)])).toBeNull();
  });
});

describe("a report", () => {
  it("is Markdown that a picture's name cannot break", () => {
    const text = benchMarkdown(REPORT);
    expect(text).toContain("| vision | 4.50 s | 4.95 s | 645 | 143 | 72 % |\n");
    expect(text).toContain("| load | 800.0 ms |  |  |  |  |\n");
    expect(text).toContain("- picture: ``a `b` | c.jpg``, 1600 x 1200; question: `What?`\n");
    expect(text).toContain("- image tokens: 729 -> 81; prompt: 142 positions; answer: 33 tokens\n");
    expect(text).toContain("- memory: 4096 MiB at the peak, 1024 MiB of it not backed by files (sampled)\n");
    expect(text).toContain("- machine: `A CPU`, 2 logical CPUs, 24 GiB, linux 6 x64\n");
    expect(text.endsWith("- note: a note\n")).toBe(true);
    const table = text.split("\n").filter((line) => line.startsWith("|"));
    expect(new Set(table.map((line) => line.split("|").length))).toEqual(new Set([8]));
    expect(table).toHaveLength(2 + STAGES.length);
  });

  it("says that it is not compressed", () => {
    expect(benchMarkdown({ ...REPORT, compressed: false })).toContain("NOT compressed");
  });

  it("is one line of JSON that holds all of it", () => {
    const text = benchJson(REPORT);
    expect(text.indexOf("\n")).toBe(text.length - 1);
    expect(JSON.parse(text)).toEqual(REPORT);
  });

  it("is CSV with a field for each column, quoted where needed", () => {
    const [only] = STAGES;
    if (only === undefined) throw new Error("no stage");
    const lines = benchCsv({ ...REPORT, stages: [{ ...only, component: 'a, "b"' }] }).split("\r\n");
    expect(lines).toEqual([
      "stage,component,median_ms,p95_ms,samples,gflop,gflops,of_peak",
      'load,"a, ""b""",800,800,1,,,',
      "",
    ]);
  });
});
