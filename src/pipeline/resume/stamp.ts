import * as v from "valibot";
import type { Settings } from "./settings.ts";

/** A picture's file as it was when it was answered about. */
export interface FileMark {
  readonly bytes: number;
  /** its time of modification: milliseconds since 1970 */
  readonly modified: number;
}

/** What a row carries so that a later run knows what it is about. The fields are in the order in which they are printed. */
export interface Stamp {
  /** hex digits, see `keyOf` */
  readonly key: string;
  /** @default the picture came from no file */
  readonly file?: FileMark | undefined;
  readonly settings: Settings;
}

/** Settings of a later release may have more parts: they are kept as they are, and compared. */
const settingsSchema: v.GenericSchema<unknown, Settings> = v.looseObject({
  model: v.string(),
  revision: v.string(),
  quant: v.string(),
  vision: v.string(),
  max_tokens: v.number(),
});

export const stampSchema: v.GenericSchema<unknown, Stamp> = v.object({
  key: v.string(),
  file: v.optional(v.object({ bytes: v.number(), modified: v.number() })),
  settings: settingsSchema,
});

/** The stamp among an object's fields, if it has one. */
export function stampIn(fields: unknown): Stamp | undefined {
  const parsed = v.safeParse(stampSchema, fields);
  return parsed.success ? parsed.output : undefined;
}
