import { median } from "../../../src/bench/statistics.ts";

/** One cold run of a system on one picture; times in milliseconds, memory in bytes. */
export interface Measured {
  readonly imageTokens: number;
  readonly vision: number;
  readonly prefill: number;
  /** from the start of the process to the first byte of the answer */
  readonly firstToken: number;
  readonly token: number;
  readonly peakMemory: number;
}

/** Several runs: medians, but the most memory. */
export function medians(runs: readonly Measured[]): Measured {
  const of = (value: (run: Measured) => number): number => median(runs.map(value));
  return {
    imageTokens: of((run) => run.imageTokens),
    vision: of((run) => run.vision),
    prefill: of((run) => run.prefill),
    firstToken: of((run) => run.firstToken),
    token: of((run) => run.token),
    peakMemory: Math.max(...runs.map((run) => run.peakMemory)),
  };
}

/** A system's runs on one picture. */
export interface Row {
  readonly system: string;
  readonly ours: boolean;
  readonly runs: readonly Measured[];
}

/**
 * A picture's table: every system with, for each of ours, the part that its first token took of the other's.
 * Ends without a line break.
 */
export function peersTable(rows: readonly Row[]): string {
  const ours = rows.filter((row) => row.ours);
  const head = ["system", "image tokens", "vision", "prefill", "first token", "a token", "peak memory"];
  const lines = [
    [...head, ...ours.map(({ system }) => `${system} / it`)],
    ["---", ...head.slice(1).map(() => "---:"), ...ours.map(() => "---:")],
    ...rows.map((row) => {
      const { imageTokens, vision, prefill, firstToken, token, peakMemory } = medians(row.runs);
      return [
        row.system,
        imageTokens.toFixed(0),
        ...[vision, prefill, firstToken].map((ms) => `${(ms / 1000).toFixed(2)} s`),
        `${token.toFixed(0)} ms`,
        `${(peakMemory / 1e9).toFixed(2)} GB`,
        ...ours.map((own) => (row.ours ? "" : (medians(own.runs).firstToken / firstToken).toFixed(3))),
      ];
    }),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
