import { FlashSlothError } from "../core/errors.ts";
import { showShape, type Shape } from "../core/model/shape.ts";
import type { NativeSession } from "./library.ts";

/** Sizes of an input or an output; `any` where runs differ. */
export type DeclaredShape = readonly (number | "any")[];

/** A size that onnxruntime leaves open. */
const OPEN = -1;

/**
 * Compares what a graph takes and gives with what the model's manifest says of it. Sizes that the graph leaves open fit.
 * @throws `model-invalid` with the first that differs
 */
export function requireDeclared(
  session: Pick<NativeSession, "inputMetadata" | "outputMetadata">,
  path: string,
  declared: Readonly<Record<string, DeclaredShape>>,
): void {
  const there = new Map<string, Shape>();
  for (const { name, shape } of [...session.inputMetadata, ...session.outputMetadata]) there.set(name, shape);
  for (const [name, expected] of Object.entries(declared)) {
    const shape = there.get(name);
    if (shape !== undefined && fits(shape, expected)) continue;
    const found = shape === undefined ? `has no ${name}` : `has ${name} ${showDeclared(shape)}`;
    throw new FlashSlothError(
      "model-invalid",
      `${path} ${found}, and the manifest beside it says ${showDeclared(expected)}`,
      { hint: "convert or pull the model again" },
    );
  }
}

function fits(shape: Shape, expected: DeclaredShape): boolean {
  return (
    shape.length === expected.length &&
    shape.every((size, axis) => size === OPEN || expected[axis] === "any" || size === expected[axis])
  );
}

function showDeclared(shape: DeclaredShape): string {
  return showShape(shape.map((size) => (size === OPEN ? "any" : size)));
}
