import type { BenchOptions } from "../../bench/run.ts";
import { startEngine } from "../../engine/client.ts";
import { storePaths } from "../../store/home.ts";
import type { BenchFlags } from "../commands/bench.ts";
import { deviceOptions } from "../devices.ts";
import type { CommandContext } from "../run-command.ts";

/** What is asked about which picture. */
export interface BenchQuestion {
  /** @default one made by arithmetic */
  readonly image: string | undefined;
  readonly question: string;
}

/** What every measurement of `bench` in this process is made with. */
export async function benchOptions(
  { image, question }: BenchQuestion,
  flags: BenchFlags,
  { terminal, signal }: CommandContext,
): Promise<
  Omit<BenchOptions, "model" | "uncompressed"> & { model: Omit<BenchOptions["model"], "directory"> }
> {
  const { samplePicture, SAMPLE_NAME } = await import("../../bench/sample-picture.ts");
  const { threads, pictures, maxTokens: tokens, warmup, repeat } = flags;
  return {
    model: { ...deviceOptions(flags), threads, pictures, promptCache: storePaths().prompts },
    picture: image ?? (await samplePicture()),
    pictureName: image ?? SAMPLE_NAME,
    question,
    tokens,
    warmup,
    repeat,
    startEngine,
    onStep: (step) => terminal.status(step),
    signal,
  };
}
