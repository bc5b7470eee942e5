import { describe, expect, it } from "vitest";
import { requireDeclared, type DeclaredShape } from "../../src/onnxruntime/declared.ts";

type Values = Parameters<typeof requireDeclared>[0]["inputMetadata"];

function values(shapes: Readonly<Record<string, number[]>>): Values {
  return Object.entries(shapes).map(([name, shape]) => ({
    name,
    shape,
    isTensor: true,
    symbolicDimensions: [],
    type: 1,
  }));
}

const GRAPH = {
  inputMetadata: values({ text: [-1, 128] }),
  outputMetadata: values({ queries_out: [4, 128] }),
};

function refusal(declared: Record<string, DeclaredShape>): string | undefined {
  try {
    requireDeclared(GRAPH, "embq.onnx", declared);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: "model-invalid" });
    return (error as Error).message;
  }
}

describe("what a graph takes and gives", () => {
  it("agrees where a size is open on either side", () => {
    expect(refusal({ text: ["any", 128], queries_out: [4, 128] })).toBeUndefined();
    expect(refusal({ text: [7, 128], queries_out: ["any", 128] })).toBeUndefined();
  });

  it.each([
    [{ text: ["any", 64] }, "embq.onnx has text [any, 128], and the manifest beside it says [any, 64]"],
    [
      { queries_out: [9, 128] },
      "embq.onnx has queries_out [4, 128], and the manifest beside it says [9, 128]",
    ],
    [{ queries_out: [4] }, "embq.onnx has queries_out [4, 128], and the manifest beside it says [4]"],
    [{ queries: [4, 128] }, "embq.onnx has no queries, and the manifest beside it says [4, 128]"],
  ] as const)("contradicts %j", (declared, message) => {
    expect(refusal(declared)).toBe(message);
  });
});
