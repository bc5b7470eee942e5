import * as v from "valibot";

type NumberSchema = v.GenericSchema<unknown, number>;

/** A whole number from 1 on, in what is read from a file. */
export const count: NumberSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** A whole number from 0 on. */
export const index: NumberSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A part of something, as a finite number from 0 on. */
export const relativeError: NumberSchema = v.pipe(v.number(), v.finite(), v.minValue(0));
