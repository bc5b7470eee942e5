import { stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toFloat16, toFloat32 } from "../../../src/core/dtype.ts";
import { VISION_PRECISIONS, type VisionPrecision } from "../../../src/core/variant.ts";
import { LINEAR, rounded, scalesOf } from "../../../src/convert/onnx/linear.ts";
import { visionGraph, writeVisionGraph } from "../../../src/convert/onnx/write.ts";
import { GraphBuilder } from "../../../src/formats/onnx/builder.ts";
import { noise, runGraph, withDirectory } from "../../formats/onnx/run.ts";
import { relativeError } from "../../vision/error.ts";
import { tinyCheckpoint } from "./tiny.ts";

const INPUTS = 48;
const OUTPUTS = 32;
const ROWS = 7;

/** x Wᵀ + b in float64 */
function product(x: Float32Array, w: Float32Array, b: Float32Array): number[] {
  return Array.from({ length: ROWS * OUTPUTS }, (_, at) => {
    const [row, output] = [Math.floor(at / OUTPUTS), at % OUTPUTS];
    let sum = b[output] ?? 0;
    for (let i = 0; i < INPUTS; i++) sum += (x[row * INPUTS + i] ?? 0) * (w[output * INPUTS + i] ?? 0);
    return sum;
  });
}

async function run(
  precision: VisionPrecision,
  x: Float32Array,
  w: Float32Array,
  b: Float32Array,
): Promise<number[]> {
  const g = new GraphBuilder("linear");
  const bias = g.weight({ name: "b", element: "float32", shape: [OUTPUTS], load: async () => b });
  const layer = { name: "w", outputs: OUTPUTS, inputs: INPUTS, load: async () => w, bias };
  g.output("y", LINEAR[precision](g, layer)(g.input("x", "float32", [ROWS, INPUTS])), [ROWS, OUTPUTS]);
  const [y] = await runGraph(g.build(), { x: { type: "float32", data: x, shape: [ROWS, INPUTS] } });
  return [...(y ?? [])];
}

describe("a linear layer", () => {
  const x = Float32Array.from(noise(1, ROWS * INPUTS));
  const w = Float32Array.from(noise(2, OUTPUTS * INPUTS), (value) => value / 8);
  const b = Float32Array.from(noise(3, OUTPUTS));

  it("is exact in fp32", async () => {
    expect(relativeError(await run("fp32", x, w, b), product(x, w, b))).toBeLessThan(1e-6);
  });

  it("differs in fp16 by the rounding of its weights, and by nothing else", async () => {
    const halves = toFloat32(new Uint8Array(toFloat16(w).buffer), "F16");
    const y = await run("fp16", x, w, b);
    expect(relativeError(y, product(x, halves, b))).toBeLessThan(1e-6);
    expect(relativeError(y, product(x, w, b))).toBeGreaterThan(1e-5);
    expect(relativeError(await run("fp16", x, halves, b), await run("fp32", x, halves, b))).toBeLessThan(
      1e-6,
    );
  });

  it("stays within 8 bits' rounding in int8, whatever the scale of an output, without clipping", async () => {
    const uneven = w.map((value, at) => value * 10 ** ((Math.floor(at / INPUTS) % 5) - 2));
    const y = await run("int8", x, uneven, new Float32Array(OUTPUTS));
    const expected = product(x, uneven, new Float32Array(OUTPUTS));
    for (let output = 0; output < 5; output++) {
      const column = (values: number[]): number[] => values.filter((_, at) => at % OUTPUTS === output);
      expect(relativeError(column(y), column(expected))).toBeLessThan(0.02);
    }
    expect(relativeError(y, expected)).toBeGreaterThan(1e-4);
  });

  it("refuses a weight that float16 cannot hold", async () => {
    const large = Float32Array.from(w, (value, at) => (at === 5 ? 7e4 : value));
    await expect(run("fp16", x, large, b)).rejects.toMatchObject({
      code: "checkpoint-invalid",
      message: "w holds 70000, which float16 cannot represent",
    });
  });
});

describe("8-bit rounding", () => {
  it("takes the largest value of each row to 64, and a row of zeros to zeros", () => {
    const scales = scalesOf(new Float32Array([2, -128, 6, 0, 0, 0]), 3);
    expect([...scales]).toEqual([2, 1]);
    // the same matrix, transposed
    expect([...rounded(new Float32Array([2, 0, -128, 0, 6, 0]), scales)]).toEqual([1, 0, -64, 0, 3, 0]);
  });
});

describe("the vision graph in reduced precision", () => {
  it("reduces the encoder's matrices and nothing else", async () => {
    const checkpoint = tinyCheckpoint();
    const elements = (precision: VisionPrecision): Map<string, string> =>
      new Map(visionGraph({ checkpoint, precision }).weights.map(({ name, element }) => [name, element]));
    const exact = elements("fp32");
    expect(new Set(exact.values())).toEqual(new Set(["float32"]));
    for (const [precision, element] of [
      ["fp16", "float16"],
      ["int8", "int8"],
    ] as const) {
      const reduced = elements(precision);
      for (const name of exact.keys()) {
        const matrix = /encoder\.layers\..*(?:proj|fc\d)\.weight$/.test(name);
        expect(reduced.get(name), name).toBe(matrix ? element : "float32");
      }
    }
  });

  it("makes the data file smaller", async () => {
    await withDirectory(async (directory) => {
      const sizes: number[] = [];
      for (const precision of VISION_PRECISIONS) {
        const checkpoint = tinyCheckpoint();
        const { data } = await writeVisionGraph({
          checkpoint,
          directory,
          file: `${precision}.onnx`,
          precision,
        });
        sizes.push((await stat(join(directory, data))).size);
      }
      expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
      expect(new Set(sizes).size).toBe(sizes.length);
    });
  });
});
