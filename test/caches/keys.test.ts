import { describe, expect, it } from "vitest";
import { languageKey, visionKey } from "../../src/caches/keys.ts";

const ROLES = { vision: "vision.onnx", embq: "embq.onnx", language: "language.gguf", queries: "queries.f32" };
const FILES: Readonly<Record<string, string>> = {
  "language.gguf": "aa",
  "vision.onnx": "bb",
  "vision.onnx.data": "cc",
  "embq.onnx": "dd",
};

/** A manifest's part that keys are made of. @param other what is different */
function model(other: Readonly<Record<string, string>> = {}): Parameters<typeof visionKey>[0] {
  const files = Object.entries({ ...FILES, ...other }).map(([name, sha256]) => ({ name, size: 1, sha256 }));
  return { files: files.filter(({ sha256 }) => sha256 !== ""), roles: ROLES };
}

describe("the key of a language model", () => {
  it("is its file's hash, or none", () => {
    expect(languageKey(model())).toBe("aa");
    expect(languageKey(model({ "vision.onnx": "00" }))).toBe("aa");
    expect(languageKey(model({ "language.gguf": "" }))).toBeUndefined();
  });
});

describe("the key of a vision encoder", () => {
  it("knows the weights beside the graph, and no language model", () => {
    const key = visionKey(model());
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(visionKey(model({ "language.gguf": "00" }))).toBe(key);
    expect(visionKey(model({ "vision.onnx": "00" }))).not.toBe(key);
    expect(visionKey(model({ "vision.onnx.data": "00" }))).not.toBe(key);
    const { files, roles } = model();
    expect(visionKey({ files: files.toReversed(), roles })).toBe(key);
    expect(visionKey(model({ "vision.onnx": "" }))).toBeUndefined();
  });
});
