import * as v from "valibot";
import type { JobId } from "../../pipeline/job.ts";

/** An id: a number or text. */
export const idSchema: v.GenericSchema<unknown, JobId> = v.union(
  [v.string(), v.number(), v.pipe(v.bigint(), v.transform(Number))],
  "no id",
);

/** A whole number, as Parquet's 64-bit columns hold it too. */
export const wholeSchema: v.GenericSchema<unknown, number> = v.pipe(
  v.union([v.number(), v.bigint()], "no number"),
  v.transform(Number),
  v.safeInteger("no whole number"),
);

/** Text that may be missing. */
export const optionalText: v.GenericSchema<unknown, string> = v.pipe(
  v.nullish(v.string()),
  v.transform((text) => text ?? ""),
);

/** One of the letters of options, from A on. */
export const letterSchema: v.GenericSchema<unknown, string> = v.pipe(
  v.string(),
  v.regex(/^[A-Z]$/, "no option's letter"),
);

/** What pandas takes for nothing, as `read_table` does in FlashSloth's scripts. */
const NOTHING = new Set(
  "#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split(
    "|",
  ),
);

/** The text of a cell; undefined for an empty one. */
export function textOf(cell: string | null | undefined): string | undefined {
  return cell === undefined || cell === null || cell === "" || NOTHING.has(cell) ? undefined : cell;
}
