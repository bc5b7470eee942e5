import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../../src/formats/onnx/builder.ts";
import { constant, noise, runGraph, runOperator } from "./run.ts";

/** Equal to about float32's precision. */
function near(values: readonly number[]): unknown[] {
  return values.map((value) => expect.closeTo(value, 5) as unknown);
}

/** Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7 */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

describe("operators in onnxruntime", () => {
  it("computes with scalars and with tensors", async () => {
    const x = [1, -2, 3, 4];
    const y = await runOperator([2, 2], x, 2, (g, v) => g.div(g.sub(g.mul(g.add(v, v), 3), 1), 4));
    expect(y).toEqual(near(x.map((value) => (6 * value - 1) / 4)));
  });

  it("multiplies by a matrix stored as [K, N]", async () => {
    const y = await runOperator([2, 3], [1, 2, 3, 4, 5, 6], 2, (g, v) =>
      g.matmul(v, constant(g, "w", [3, 2], [1, 0, 0, 1, 1, 1])),
    );
    expect(y).toEqual(near([4, 5, 10, 11]));
  });

  it("rectifies", async () => {
    expect(await runOperator([3], [-1, 0, 2], 1, (g, v) => g.relu(v))).toEqual(near([0, 0, 2]));
  });

  it("has both GELUs, and they differ", async () => {
    const x = [-3, -1, -0.1, 0, 0.5, 2];
    const exact = await runOperator([6], x, 1, (g, v) => g.gelu(v, { approximate: "none" }));
    const tanh = await runOperator([6], x, 1, (g, v) => g.gelu(v, { approximate: "tanh" }));
    expect(exact).toEqual(near(x.map((v) => (v / 2) * (1 + erf(v / Math.SQRT2)))));
    expect(tanh).toEqual(
      near(x.map((v) => (v / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))))),
    );
    expect(Math.abs((exact[5] ?? 0) - (tanh[5] ?? 0))).toBeGreaterThan(1e-5);
  });

  it("takes softmax along the axis that is named", async () => {
    const y = await runOperator([2, 2], [0, Math.log(3), 0, 0], 2, (g, v) => g.softmax(v, { axis: -1 }));
    expect(y).toEqual(near([0.25, 0.75, 0.5, 0.5]));
    const columns = await runOperator([2, 2], [0, 0, Math.log(3), 0], 2, (g, v) => g.softmax(v, { axis: 0 }));
    expect(columns).toEqual(near([0.25, 0.5, 0.75, 0.5]));
  });

  it("normalises the last axis, with the epsilon given", async () => {
    const y = await runOperator([1, 2], [1, -1], 2, (g, v) => {
      const scale = constant(g, "scale", [2], [2, 4]);
      return g.layerNorm(v, scale, constant(g, "bias", [2], [0.5, 0]), { epsilon: 3 });
    });
    expect(y).toEqual(near([1.5, -2])); // variance 1 + epsilon 3: divided by 2
  });

  it("convolves without padding and leaves out what no patch covers", async () => {
    const x = noise(1, 25);
    const y = await runOperator([1, 1, 5, 5], x, 4, (g, v) => {
      const kernel = constant(g, "kernel", [1, 1, 2, 2], [1, 10, 100, 1000]);
      return g.conv(v, kernel, constant(g, "bias", [1], [7]), { stride: 2 });
    });
    const at = (row: number, column: number): number => x[row * 5 + column] ?? Number.NaN;
    const expected = [0, 2].flatMap((row) =>
      [0, 2].map(
        (column) =>
          7 +
          at(row, column) +
          10 * at(row, column + 1) +
          100 * at(row + 1, column) +
          1000 * at(row + 1, column + 1),
      ),
    );
    expect(y).toHaveLength(4);
    for (const [i, value] of expected.entries()) expect(y[i]).toBeCloseTo(value, 3);
  });

  it("moves axes", async () => {
    const y = await runOperator([2, 3], [1, 2, 3, 4, 5, 6], 2, (g, v) => g.transpose(v, [1, 0]));
    expect(y).toEqual(near([1, 4, 2, 5, 3, 6]));
  });

  it("reshapes with kept and inferred axes", async () => {
    const y = await runOperator([2, 4], [1, 2, 3, 4, 5, 6, 7, 8], 3, (g, v) =>
      g.transpose(g.reshape(v, [0, 2, -1]), [0, 2, 1]),
    );
    expect(y).toEqual(near([1, 3, 2, 4, 5, 7, 6, 8]));
  });

  it("runs onnxruntime's own operators beside the standard ones", async () => {
    const y = await runOperator([1, 2], [1, 2], 2, (g, v) => {
      const options = {
        domain: "com.microsoft",
        attributes: { transB: { kind: "int", value: 1 }, alpha: { kind: "float", value: 0.5 } },
      } as const;
      return g.node("FusedMatMul", [v, constant(g, "w", [1, 2], [10, 100])], "float32", options);
    });
    expect(y).toEqual(near([105]));
  });
});

describe("GraphBuilder", () => {
  it("reads bytes, and lets later nodes use an output", async () => {
    const g = new GraphBuilder("graph");
    const x = g.input("bytes", "uint8", ["N"]);
    const first = g.scope("half", () => g.div(g.toFloat32(x), 2));
    const second = g.scope("square", () => g.mul(first, first));
    g.output("first", first, ["N"]);
    g.output("second", second, ["N"]);
    const graph = g.build();
    expect(graph.nodes.map((node) => node.name)).toEqual(["half/Cast_0", "half/Div_1", "square/Mul_2"]);
    const outputs = await runGraph(graph, {
      bytes: { type: "uint8", data: new Uint8Array([0, 3, 255]), shape: [3] },
    });
    expect(outputs.map((out) => [...out])).toEqual([
      [0, 1.5, 127.5],
      [0, 2.25, 16256.25],
    ]);
  });

  it("shares equal constants", () => {
    const g = new GraphBuilder("graph");
    const x = g.input("x", "float32", [2]);
    g.output("y", g.mul(g.reshape(g.mul(g.reshape(x, [2, 1]), 3), [2, 1]), 3), [2, 1]);
    expect(g.build().constants.map(({ name }) => name)).toEqual(["integers(2,1)", "scalar(3)"]);
  });

  it("refuses one weight twice", () => {
    const g = new GraphBuilder("graph");
    constant(g, "w", [1], [1]);
    expect(() => constant(g, "w", [1], [1])).toThrow("the weight w is there twice");
  });
});
