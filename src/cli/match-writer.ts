import { recordLine, type AnsweredRecord } from "../pipeline/records.ts";
import type { Output } from "./answers/output.ts";
import { visible } from "../core/visible.ts";

/** A picture that `grep` found. */
export interface Match {
  readonly record: AnsweredRecord;
  /** of yes, among yes and no */
  readonly probability: number;
}

/** How matches are printed: not at all, how many there are, or a line each. */
export type MatchForm =
  | "nothing"
  | "count"
  | {
      /** the picture's name, its name as it is and a NUL, or its record with the probability */
      readonly line: "name" | "nul" | "json";
      /** The best first, which is known only at the end. */
      readonly sorted: boolean;
    };

export interface MatchWriter {
  write(match: Match): Promise<void>;
  /** @param options `invert`: the least probable are the best */
  end(options: { readonly invert: boolean }): Promise<void>;
}

/** Prints matches as they come, or what is to be said of all of them at the end. */
export function matchWriter(form: MatchForm, output: Output): MatchWriter {
  if (form === "nothing") return { write: async () => {}, end: async () => {} };
  if (form === "count") {
    let count = 0;
    return { write: async () => void count++, end: async () => output.write(`${count}\n`) };
  }
  const { line, sorted } = form;
  if (!sorted) return { write: async (match) => output.write(LINES[line](match)), end: async () => {} };
  const found: { readonly probability: number; readonly text: string }[] = [];
  return {
    write: async (match) => void found.push({ probability: match.probability, text: LINES[line](match) }),
    end: async ({ invert }) => {
      const sign = invert ? 1 : -1;
      found.sort((a, b) => sign * (a.probability - b.probability));
      for (const { text } of found) await output.write(text);
    },
  };
}

const LINES = {
  name: ({ record }: Match): string => `${visible(record.image)}\n`,
  nul: ({ record }: Match): string => `${record.image}\0`,
  json: ({ record, probability }: Match): string => `${recordLine({ ...record, probability })}\n`,
} as const;
