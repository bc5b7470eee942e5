import { stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toFloat16, toFloat32 } from "../../../src/core/model/dtype.ts";
import type { MatrixPrecision } from "../../../src/core/model/variant.ts";
import type { MatrixWeights } from "../../../src/convert/onnx/layers.ts";
import { int8Apart, LINEAR, rounded, scalesOf } from "../../../src/convert/onnx/linear.ts";
import { visionGraph, writeVisionGraph } from "../../../src/convert/onnx/write.ts";
import { GraphBuilder, type Value } from "../../../src/formats/onnx/builder.ts";
import { constant, noise, runGraph, withDirectory } from "../../formats/onnx/run.ts";
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

/** y of a layer with the given weights; with `apart`, those inputs in float32 and the others in int8 */
async function run(
  precision: MatrixPrecision,
  x: Float32Array,
  w: Float32Array,
  b: Float32Array,
  apart?: readonly number[],
): Promise<number[]> {
  const g = new GraphBuilder("linear");
  const bias = g.weight({ name: "b", element: "float32", shape: [OUTPUTS], load: async () => b });
  const layer = { name: "w", outputs: OUTPUTS, inputs: INPUTS, load: async () => w, bias };
  const mask = new Float32Array(INPUTS).map((_, at) => (apart?.includes(at) === true ? 0 : 1));
  const without = (value: Value): Value => g.mul(value, constant(g, "mask", [INPUTS], [...mask]));
  const apply = apart === undefined ? LINEAR[precision](g, layer) : int8Apart(g, layer, { apart, without });
  g.output("y", apply(g.input("x", "float32", [ROWS, INPUTS])), [ROWS, OUTPUTS]);
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

  it("multiplies inputs apart where they would stretch the range of all others", async () => {
    const stretched = x.map((value, at) => (at % INPUTS === 5 || at % INPUTS === 30 ? 60 * value : value));
    const expected = product(stretched, w, b);
    const together = relativeError(await run("int8", stretched, w, b), expected);
    const apart = relativeError(await run("int8", stretched, w, b, [5, 30]), expected);
    expect(together).toBeGreaterThan(0.01);
    expect(apart).toBeLessThan(together / 20);
    // what is apart is exact, not merely rounded by a range of its own
    const alone = x.map((value, at) => (at % INPUTS === 5 ? value : 0));
    expect(relativeError(await run("int8", alone, w, b, [5]), product(alone, w, b))).toBeLessThan(1e-6);
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
  it("takes the largest pair of neighbours with one sign to 127, and a row of zeros to zeros", () => {
    const values = new Float32Array([100, 27, -100, 27, 0, 0, 0, 0, -54, -200, 0, 0]);
    const scales = scalesOf(values, 4);
    expect([...scales]).toEqual([1, 1, 2]);
    // the same matrix, transposed
    const columns = new Float32Array([100, 0, -54, 27, 0, -200, -100, 0, 0, 27, 0, 0]);
    expect([...rounded(columns, scales)]).toEqual([100, 0, -27, 27, 0, -100, -100, 0, 0, 27, 0, 0]);
  });

  it("never lets two neighbours' products with 255 exceed 16 bits, and uses most of them", () => {
    const rows = 64;
    const columns = 48;
    // most values near zero, a few large: as trained weights are
    const values = Float32Array.from(noise(7, rows * columns), (value) => value ** 5);
    const scales = scalesOf(values, columns);
    let most = 0;
    for (let row = 0; row < rows; row++) {
      const steps = rounded(values.slice(row * columns, (row + 1) * columns), scales.slice(row, row + 1));
      for (let at = 0; at < columns; at += 2) {
        const [a = 0, b = 0] = steps.subarray(at, at + 2);
        const up = Math.max(a, 0) + Math.max(b, 0);
        const down = Math.min(a, 0) + Math.min(b, 0);
        most = Math.max(most, 255 * up, -255 * down);
      }
    }
    expect(most).toBeLessThanOrEqual(32_767);
    expect(most).toBeGreaterThan(32_000);
  });
});

describe("the vision graph in reduced precision", () => {
  it("reduces the encoder's matrices and nothing else", async () => {
    const checkpoint = tinyCheckpoint();
    const elements = (weights: MatrixWeights): Map<string, string> =>
      new Map(visionGraph({ checkpoint, weights }).weights.map(({ name, element }) => [name, element]));
    const exact = elements("fp32");
    expect(new Set(exact.values())).toEqual(new Set(["float32"]));
    for (const [precision, element] of [
      ["fp16", "float16"],
      ["int8", "int8"],
    ] as const) {
      const reduced = elements(precision);
      for (const name of exact.keys()) {
        const matrix = /encoder\.layers\..*(?:proj|fc\d)\.weight$/.test(name);
        const stored = matrix && precision === "int8" ? `${name}.int8` : name;
        expect(reduced.get(stored), name).toBe(matrix ? element : "float32");
      }
    }
  });

  it("makes the data file smaller", async () => {
    await withDirectory(async (directory) => {
      const sizes: number[] = [];
      const some = [...tinyCheckpoint().tensors.keys()].filter((name) => /encoder.*fc1\.weight$/.test(name));
      const mixed: MatrixWeights = new Map(some.map((name) => [name, [1, 3]]));
      for (const [at, weights] of (["fp32", "fp16", "int8", mixed] as const).entries()) {
        const checkpoint = tinyCheckpoint();
        const { data } = await writeVisionGraph({ checkpoint, directory, file: `${at}.onnx`, weights });
        sizes.push((await stat(join(directory, data))).size);
      }
      const [fp32 = 0, fp16 = 0, int8 = 0, partly = 0] = sizes;
      expect(partly).toBeGreaterThan(int8);
      expect(partly).toBeLessThan(fp32);
      expect([fp32, fp16, int8]).toEqual([fp32, fp16, int8].toSorted((a, b) => b - a));
      expect(new Set(sizes).size).toBe(sizes.length);
    });
  });
});
