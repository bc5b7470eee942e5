import * as v from "valibot";

/** Raised when another picture, prompt or way to sum up makes the numbers of an older one worthless. */
export const REFERENCE_VERSION = 1 as const;

/** What the vision side makes of a fixed picture; sketches, see `sketch`. */
export interface VisionNumbers {
  readonly features: string;
  readonly visualTokens: string;
  /** EmbQ's output for fixed hidden states and these features */
  readonly embq: string;
}

/** What the language model makes of that picture, as the CPU saw it, and a fixed question. */
export interface LanguageNumbers {
  /** sketch of EmbQ's output where the prompt's queries stand: the rows that were read there changed it, too */
  readonly queries: string;
  /** the likeliest tokens after the prompt, their logits, and those that the same tokens have without EmbQ */
  readonly top: readonly { readonly id: number; readonly logit: number; readonly plain: number }[];
  /** tokens that follow when always the likeliest is taken, and how far its logit was above the next one's */
  readonly greedy: readonly { readonly id: number; readonly margin: number }[];
}

/** What a model computes on a CPU, for other devices to be compared with. */
export interface Reference {
  readonly version: number;
  readonly vision: VisionNumbers;
  readonly language: LanguageNumbers;
}

export const visionNumbersSchema: v.GenericSchema<unknown, VisionNumbers> = v.object({
  features: v.string(),
  visualTokens: v.string(),
  embq: v.string(),
});

export const languageNumbersSchema: v.GenericSchema<unknown, LanguageNumbers> = v.object({
  queries: v.string(),
  top: v.array(v.object({ id: v.number(), logit: v.number(), plain: v.number() })),
  greedy: v.array(v.object({ id: v.number(), margin: v.number() })),
});

export const referenceSchema: v.GenericSchema<unknown, Reference> = v.object({
  version: v.number(),
  vision: visionNumbersSchema,
  language: languageNumbersSchema,
});
