import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { FileSource } from "../../src/core/files/bytes.ts";
import { toFloat32, type Dtype } from "../../src/core/model/dtype.ts";
import { SafetensorsFile } from "../../src/formats/safetensors/file.ts";
import { PARITY_FIXTURES } from "../synthetic/parity.ts";

/** What the published implementation computed for one picture and question. */
export interface GoldenCase {
  readonly name: string;
  readonly image: string;
  readonly question: string;
  readonly input_ids: readonly number[];
  readonly positions: number;
  readonly greedy: readonly number[];
  readonly margin: readonly number[];
  readonly feature_rows: readonly number[];
}

const caseSchema: v.GenericSchema<unknown, GoldenCase> = v.object({
  name: v.string(),
  image: v.string(),
  question: v.string(),
  input_ids: v.array(v.number()),
  positions: v.number(),
  greedy: v.array(v.number()),
  margin: v.array(v.number()),
  feature_rows: v.array(v.number()),
});

export interface Golden {
  readonly cases: readonly GoldenCase[];
  /** An expected array, float32 row-major, by `CASE.what`. */
  array(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

export async function openGolden(golden: "base" | "hd"): Promise<Golden> {
  const json: unknown = JSON.parse(await readFile(join(PARITY_FIXTURES, `${golden}.json`), "utf8"));
  const { cases } = v.parse(v.object({ cases: v.array(caseSchema) }), json);
  const file = await SafetensorsFile.open(
    await FileSource.open(join(PARITY_FIXTURES, `${golden}.safetensors`)),
  );
  return {
    cases,
    array: async (name) => {
      const dtype = file.tensors.get(name)?.dtype;
      return toFloat32(await file.read(name), dtype as Dtype);
    },
    close: async () => file.close(),
  };
}

/** L2 norm of the difference over the L2 norm of the expected array; NaN never passes a comparison. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.NaN;
  let difference = 0;
  let norm = 0;
  for (const [i, value] of expected.entries()) {
    difference += ((actual[i] ?? Number.NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}

/** Rows of a row-major matrix, one after the other. */
export function takeRows(matrix: Float32Array, width: number, rows: readonly number[]): Float32Array {
  const out = new Float32Array(rows.length * width);
  for (const [index, row] of rows.entries()) {
    out.set(matrix.subarray(row * width, (row + 1) * width), index * width);
  }
  return out;
}
