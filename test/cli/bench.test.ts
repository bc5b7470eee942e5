import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BenchReport } from "../../src/bench/report.ts";
import type { Comparison } from "../../src/bench/comparison.ts";
import { Place, QUESTION, RED_CIRCLE, lines } from "./binary.ts";

const place = new Place();
const CHECKPOINT = resolve(import.meta.dirname, "../../src/store/demo/checkpoint");

async function bench(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await place.run(["bench", "-m", "demo", "--device", "cpu", ...words]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

async function benchJson(...words: string[]): Promise<BenchReport> {
  return JSON.parse(await bench("--json", ...words)) as BenchReport;
}

describe("bench", () => {
  beforeAll(async () => place.convertDemo());

  it("prints a table for a picture of its own", async () => {
    const text = await bench("--repeat", "2");
    expect(text).toMatch(
      /^\*\*demo\*\*, f16, fp32 vision, compressed, warm: median and p95 of 2 after 1 to warm up\n/,
    );
    for (const stage of ["load: vision", "image", "vision", "prefill", "decode: a token", "total"]) {
      expect(text).toContain(`\n| ${stage} | `);
    }
    expect(text).toContain("1600 x 1200");
    expect(text).toContain("image tokens: 81 -> 9;");
    expect(text).toMatch(/- peak: \d+ GFLOP\/s/);
  });

  it("says the same as JSON, whose parts stay inside their whole", async () => {
    const report = await benchJson(RED_CIRCLE, QUESTION, "--repeat", "3", "--max-tokens", "7");
    expect(report).toMatchObject({ question: QUESTION, repeat: 3, compressed: true, mode: "warm" });
    expect(report.picture.name).toBe(RED_CIRCLE);
    expect(report.tokens).toMatchObject({ image_before: 81, image_after: 9, answer: 7 });
    const of = (stage: string): number =>
      report.stages.find((row) => row.stage === stage && row.component === null)?.median_ms ?? Number.NaN;
    for (const part of ["image", "vision", "prefill", "first_token"]) {
      expect(of("time_to_first_token")).toBeGreaterThanOrEqual(of(part));
    }
    expect(of("total")).toBeGreaterThan(of("time_to_first_token"));
    const whole = new Map(report.stages.map((row) => [`${row.stage} ${row.component}`, row]));
    const embq = whole.get("prefill compress (EmbQ)");
    expect(embq?.samples).toBe(3);
    expect(embq?.median_ms).toBeLessThan(of("prefill"));
    expect(report.decode_tokens_per_second).toBeGreaterThan(0);
    expect(report.memory.peak_bytes).toBeGreaterThan(50e6);
  });

  it("measures the variant that is named, warm and cold", async () => {
    const int8 = ["--vision-precision", "int8"];
    for (const mode of [[], ["--cold"]]) {
      const report = await benchJson("--repeat", "1", "--warmup", "0", "--quiet", ...int8, ...mode);
      expect(report.model).toEqual({ name: "demo", quant: "f16", vision_precision: "int8" });
    }
  });

  it("measures as in a run over many pictures, and says so", async () => {
    const report = await benchJson("--repeat", "1", "--pictures", "50");
    expect(report.notes).toContain("loaded as for a run over 50 pictures");
  });

  it("measures without compression, and says what the answers are worth", async () => {
    const report = await benchJson("--repeat", "1", "--uncompressed");
    expect(report.compressed).toBe(false);
    expect(report.tokens).toMatchObject({ image_before: 81, image_after: 81 });
    expect(report.notes.join("\n")).toContain("the answers mean nothing");
  });

  it("measures whole commands in fresh processes", async () => {
    const csv = await bench("--repeat", "1", "--warmup", "0", "--cold", "--csv", RED_CIRCLE, QUESTION);
    const rows = new Map(
      lines(csv.replaceAll("\r\n", "\n")).map((line) => [line.split(",")[0], line.split(",")]),
    );
    const first = Number(rows.get("enter_to_first_token")?.[2]);
    const end = Number(rows.get("enter_to_end")?.[2]);
    expect(first).toBeGreaterThan(50); // node alone needs about that
    expect(end).toBeGreaterThanOrEqual(first);
    expect(Number(rows.get("load")?.[2])).toBeGreaterThan(0);
  });

  it("measures variants in turn, and what part each time is of the first one's", async () => {
    const words = [
      "--compare",
      "q4_0+int8,mixed0.01,q4_0+int8",
      "--repeat",
      "2",
      "--max-tokens",
      "5",
      "--quiet",
    ];
    const { variants, repeat, tokens } = JSON.parse(await bench("--json", ...words)) as Comparison;
    const names = variants.map(({ quant, vision_precision: precision }) => `${quant} ${precision}`);
    expect(names).toEqual(["f16 fp32", "q4_0 int8", "f16 mixed"]);
    expect({ repeat, answer: tokens.answer }).toEqual({ repeat: 2, answer: 5 });
    const [exact, small, mixed] = variants;
    expect(exact).toMatchObject({ feature_error: 0, vision_of_first: 1, time_to_first_token_of_first: 1 });
    expect(small?.language_bytes).toBeLessThan(exact?.language_bytes ?? 0);
    expect(mixed?.language_bytes).toBe(exact?.language_bytes);
    expect(mixed?.disk_bytes).toBeLessThan(exact?.disk_bytes ?? 0);
    expect(small?.feature_error).toBeGreaterThan(mixed?.feature_error ?? 1);
    for (const { time_to_first_token_ms: first, vision_ms: vision, prefill_ms: prefill } of variants) {
      expect(first).toBeGreaterThan(Math.max(vision, prefill));
      expect(Math.min(vision, prefill)).toBeGreaterThan(0);
    }
  });

  it("compares folders", async () => {
    const convert = ["convert", "--quiet", CHECKPOINT, "./other", "--quant", "q8_0", "--name", "other"];
    expect(await place.run(convert)).toMatchObject({ status: 0 });
    const text = await bench("--compare", "./other", "--repeat", "1", "--warmup", "0", RED_CIRCLE, QUESTION);
    expect(text).toMatch(/\n\| demo f16, fp32 vision \| .* \(1\.00\) \|\n\| other q8_0, fp32 vision \| /);
  });

  it.each([
    [["--compare", "q4_7"], /"q4_7" is no variant[^]*hint: write one of/],
    [["--compare", "mixed0.9"], /0\.9 is no bound/],
    [["--compare", "int8", "--cold"], /cannot be used with/],
    [["--cold", "--uncompressed"], /cannot be used with/],
    [["--json", "--csv"], /cannot be used with/],
    [["--repeat", "0"], /from 1 to/],
    [["a.png", "question", "more"], /too many arguments/],
  ])("refuses %j", async (words, why) => {
    const { status, stdout, stderr } = await place.run(["bench", "-m", "demo", ...words]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(why);
  });

  it("names a picture that is not there", async () => {
    for (const cold of [[], ["--cold"]]) {
      const { status, stderr } = await place.run(["bench", "-m", "demo", "missing.png", "Why?", ...cold]);
      expect(status).toBe(1);
      expect(stderr).toContain("missing.png");
      expect(stderr).not.toContain("unexpected");
    }
  });
});
