/**
 * Every file that a conversion makes. `f16` is gone when it ends, and so is `accuracy`: what a reduced precision costs, until the
 * manifest says so.
 */
export const FILES = {
  f16: "language.f16.gguf",
  language: "language.gguf",
  vision: "vision.onnx",
  visionData: "vision.onnx.data",
  visionBatch: "vision.batch.onnx",
  visionHalf: "vision.half.onnx",
  uncompressed: "uncompressed.onnx",
  sapLook: "sap.look.onnx",
  accuracy: "vision.accuracy.json",
  embq: "embq.onnx",
  embqData: "embq.onnx.data",
  embqLook: "embq.look.onnx",
  queries: "queries.f32",
} as const;

/** Which of the parts that take room are among some files. */
export function partsAmong(names: Iterable<string>): { f16: boolean; language: boolean; vision: boolean } {
  const there = new Set(names);
  return { f16: there.has(FILES.f16), language: there.has(FILES.language), vision: there.has(FILES.vision) };
}
