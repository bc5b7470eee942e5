import * as v from "valibot";
import type { JobId } from "../../pipeline/job.ts";

/** An id: a number or text. */
export const idSchema: v.GenericSchema<unknown, JobId> = v.union([v.string(), v.number()], "no id");
