import type { Dtype } from "../core/model/dtype.ts";
import type { FlashSlothError } from "../core/errors.ts";
import { sameShape, showShape, type Shape } from "../core/model/shape.ts";
import type { StoredTensor } from "../formats/safetensors/file.ts";
import { showName } from "../formats/safetensors/limits.ts";
import type { ResolvedConfig } from "./config.ts";
import { isUnused } from "./names.ts";
import { invalidFile } from "./read-text.ts";
import { expectedTensors } from "./tensors.ts";
import type { TensorInfo } from "./types.ts";

/** The tensors that are there against those that the computation needs. */
export interface TensorMatch {
  /** those that are there and fit, by name */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly missing: readonly string[];
  /** known, and never read */
  readonly unused: readonly StoredTensor[];
  /** no part of a FlashSloth */
  readonly unknown: readonly StoredTensor[];
  /** why the checkpoint cannot be used, none if it can */
  readonly problems: readonly FlashSlothError[];
}

export interface MatchOptions {
  /** for messages */
  readonly where: string;
  readonly stored: ReadonlyMap<string, StoredTensor>;
  readonly resolved: ResolvedConfig;
}

/** Sorts what is there into what is needed, in a known type and its shape, and the rest. */
export function matchTensors({ where, stored, resolved }: MatchOptions): TensorMatch {
  const { config, towerLayers } = resolved;
  const expected = expectedTensors(config);
  const problems: FlashSlothError[] = [];
  const tensors = new Map<string, TensorInfo>();
  const missing: string[] = [];
  for (const [name, shape] of expected) {
    const found = stored.get(name);
    if (found === undefined) {
      missing.push(name);
      continue;
    }
    const checked = checkTensor(name, shape, found);
    if (typeof checked === "string") problems.push(invalidFile(found.file, `tensor ${name} ${checked}`));
    else tensors.set(name, checked);
  }
  const [first, ...others] = missing;
  if (first !== undefined) {
    const are = others.length === 0 ? "is" : `and ${others.length} more are`;
    problems.unshift(invalidFile(where, `tensor ${first} ${are} missing from the checkpoint`));
  }
  const rest = [...stored].filter(([name]) => !expected.has(name));
  const unused: StoredTensor[] = [];
  const unknown: StoredTensor[] = [];
  for (const [name, tensor] of rest) {
    (isUnused(name, config, towerLayers) ? unused : unknown).push({ ...tensor, name });
  }
  return { tensors, missing, unused, unknown, problems };
}

/** @returns the tensor, or why it does not fit */
function checkTensor(name: string, expected: Shape, stored: StoredTensor): TensorInfo | string {
  const { dtype, shape, byteLength } = stored;
  if (!sameShape(shape, expected)) {
    return `has shape ${showShape(shape)}, the configuration needs ${showShape(expected)}`;
  }
  if (!isWeightType(dtype)) return `is ${dtype}, not F16, BF16 or F32`;
  return { name, dtype, shape, byteLength };
}

function isWeightType(dtype: string): dtype is Dtype {
  return dtype === "F16" || dtype === "BF16" || dtype === "F32";
}

/** How many unknown tensors a line names. */
const NAMED = 3;

/** `model.extra.weight [2, 3], … and 5 more` */
export function listTensors(tensors: readonly StoredTensor[]): string {
  const named = tensors.slice(0, NAMED).map(({ name, shape }) => `${showName(name)} ${showShape(shape)}`);
  const others = tensors.length > NAMED ? ` and ${tensors.length - NAMED} more` : "";
  return `${named.join(", ")}${others}`;
}
