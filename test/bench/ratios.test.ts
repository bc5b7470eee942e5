import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { HIDDEN_NAMES, withoutHidden } from "../cpu/hide-instructions.ts";
import { kindOf, showInstructions } from "./cpu.ts";
import {
  keep,
  KEPT_FOLDER,
  type KeptFigure,
  merged,
  readKept,
  renderTables,
  withTables,
} from "./ratios/kept.ts";

const MEASURED = resolve(import.meta.dirname, "../..", KEPT_FOLDER);
const SPEED = resolve(import.meta.dirname, "../../docs/speed.md");

const figure = (name: string, value: number, model = "q4_k_m with fp32 vision"): KeptFigure => ({
  model,
  date: "2026-11-22",
  rounds: 5,
  name,
  value,
  bar: { atMost: 0.5 },
  detail: "1 ms and 2 ms",
});

/** What the tables say, however wide their columns are. */
function cells(text: string): string[] {
  return text
    .slice(text.indexOf("<!-- ratios: begin -->"), text.indexOf("<!-- ratios: end -->"))
    .split("\n")
    .filter((line) => line !== "" && !/^[|\s:-]+$/.test(line))
    .map((line) => line.replaceAll(/ +/g, " "));
}

describe("kinds of processors", () => {
  it.each([
    ["AMD EPYC 7763 64-Core Processor", "fma avx f16c avx2", "AMD", "AVX2"],
    ["AMD EPYC", "avx avx2 avx512f avx_vnni avx512_vnni", "AMD", "AVX-512 VNNI"],
    ["Intel(R) Xeon(R) Gold 6230", "avx avx2 avx512f avx512_vnni", "Intel", "AVX-512 VNNI"],
    ["Intel(R) Xeon(R) Gold 6130", "avx avx2 avx512f", "Intel", "AVX-512"],
    ["Intel(R) Core(TM) i5-1240P", "avx avx2 avx_vnni", "Intel", "AVX2 VNNI"],
    ["Apple M2", "", "Apple", process.arch],
    ["Neoverse-N1", "fp asimd asimddp", "other", "dot product"],
  ])("%s with %s", (model, flags, maker, instructions) => {
    expect(kindOf(model, flags)).toEqual({ maker, instructions });
  });
});

describe("a processor from which some of its instructions are hidden", () => {
  const flags =
    "fma avx2 avx512f avx512dq avx_vnni avx512_bf16 avx512_vnni amx_bf16 avx512_fp16 amx_tile amx_int8";

  it.each([
    ["amx", "AVX-512 VNNI", "AVX-512 VNNI (AMX hidden)"],
    ["avx512", "AVX2", "AVX2 (AVX-512 and AMX hidden)"],
  ] as const)("without %s is one with %s", (hidden, instructions, shown) => {
    expect(kindOf("Intel", withoutHidden(flags, hidden))).toEqual({ maker: "Intel", instructions });
    expect(showInstructions({ instructions, hidden: HIDDEN_NAMES[hidden] })).toBe(shown);
  });

  it("has a table of its own, beside that of one that lacks them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "flashsloth-kept-"));
    try {
      const cpu = { model: "A CPU", maker: "Intel", instructions: "AVX2", threads: 2 } as const;
      await keep(folder, cpu, [figure("vision", 0.6)]);
      await keep(folder, { ...cpu, hidden: "AVX-512 and AMX" }, [figure("vision", 0.4)]);
      const kept = await readKept(folder);
      expect([...kept.keys()]).toEqual(["intel-avx2-avx-512-and-amx-hidden.json", "intel-avx2.json"]);
      const text = renderTables(kept.values());
      expect(text).toContain("### A CPU: AVX2 (AVX-512 and AMX hidden), 2 threads");
      expect(text).toContain("### A CPU: AVX2, 2 threads");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("the tables of ratios", () => {
  it("are kept for each kind of processor, the latest figure of each name and model", async () => {
    const folder = await mkdtemp(join(tmpdir(), "flashsloth-kept-"));
    try {
      await cp(MEASURED, folder, { recursive: true });
      const before = await readKept(folder);
      const cpu = { model: "A new one", maker: "Intel", instructions: "AVX-512 VNNI", threads: 2 } as const;
      await keep(folder, cpu, [figure("vision", 0.6), figure("cold", 0.4)]);
      await keep(folder, cpu, [figure("vision", 0.45), figure("cold", 0.3, "f16 with int8 vision")]);
      const after = await readKept(folder);
      expect([...after.keys()]).toEqual([...before.keys(), "intel-avx-512-vnni.json"].toSorted());
      expect(after.get("amd-avx2.json")).toEqual(before.get("amd-avx2.json"));
      expect(after.get("intel-avx-512-vnni.json")).toEqual({
        ...cpu,
        figures: [figure("vision", 0.45), figure("cold", 0.4), figure("cold", 0.3, "f16 with int8 vision")],
      });
      const text = renderTables(after.values());
      expect(text).toContain("### A new one: AVX-512 VNNI, 2 threads\n\nq4_k_m with fp32 vision, measured");
      expect(text).toContain("| vision | 0.450 | <= 0.5 | yes | 1 ms and 2 ms |\n| cold | 0.400 |");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("keep what was not measured again", () => {
    expect(merged([figure("a", 1), figure("b", 2)], [figure("b", 3), figure("c", 4)])).toEqual([
      figure("a", 1),
      figure("b", 3),
      figure("c", 4),
    ]);
  });

  it("go between the marks, and nowhere else", () => {
    const text = "before <!-- ratios: begin -->\nold\n<!-- ratios: end --> after";
    expect(withTables(text, "new")).toBe(
      "before <!-- ratios: begin -->\n\nnew\n\n<!-- ratios: end --> after",
    );
    expect(() => withTables("no marks", "new")).toThrow(RangeError);
  });

  it("stand in docs/speed.md as they were measured", async () => {
    const page = await readFile(SPEED, "utf8");
    const tables = renderTables((await readKept(MEASURED)).values());
    expect(cells(page)).toEqual(cells(withTables(page, tables)));
  });
});
