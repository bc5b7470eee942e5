import type { Sizes } from "../../../src/bench/flops.ts";
import type { EngineHandle, EngineOptions } from "../../../src/engine/api.ts";
import { startEngine } from "../../../src/engine/client.ts";
import type { Cpu } from "../cpu.ts";

/** What every figure is measured on. */
export interface Setup {
  /** a converted model's folder */
  readonly directory: string;
  readonly sizes: Sizes;
  /** another variant's folder, to be compared with it */
  readonly other: string | undefined;
  readonly cpu: Cpu;
  /** several crops a picture */
  readonly highDefinition: boolean;
  /** a picture's file */
  readonly picture: string;
  readonly question: string;
  readonly threads: number;
  /** the built command line */
  readonly binary: string;
  /** paired measurements; medians are taken over them */
  readonly rounds: number;
}

/** A ratio and the bar it is held to. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly bar: { readonly atLeast: number } | { readonly atMost: number };
  /** what it was computed from */
  readonly detail: string;
}

/** A loaded model for as long as `use` takes: while a cold start is measured, no other may sit in memory. */
export async function withEngine<T>(
  setup: Setup,
  use: (engine: EngineHandle) => Promise<T>,
  options: Pick<EngineOptions, "pictures" | "parallel" | "positions" | "pictureCache"> = {},
): Promise<T> {
  const { directory, threads } = setup;
  const engine = await startEngine({ directory, device: "cpu", threads, parallel: 1, ...options });
  try {
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

export function reaches({ value, bar }: Figure): boolean {
  return "atLeast" in bar ? value >= bar.atLeast : value <= bar.atMost;
}

export function figureLine(figure: Figure): string {
  const { name, value, bar, detail } = figure;
  const limit = "atLeast" in bar ? `>= ${bar.atLeast}` : `<= ${bar.atMost}`;
  return `| ${name} | ${value.toFixed(3)} | ${limit} | ${reaches(figure) ? "yes" : "NO"} | ${detail} |`;
}

export function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}
