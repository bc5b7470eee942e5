import { Option, type Command } from "commander";
import type { DeviceChoice } from "../../engine/api.ts";
import { filled, threadCount, tokenCount, wholeNumber } from "../values.ts";
import { terminalOptions, type TerminalFlags } from "./shared.ts";

export interface BenchFlags extends TerminalFlags {
  readonly model: string;
  readonly download: boolean;
  readonly device: DeviceChoice;
  readonly threads?: number;
  readonly repeat: number;
  readonly warmup: number;
  readonly maxTokens: number;
  readonly pictures?: number;
  readonly cold?: boolean;
  readonly uncompressed?: boolean;
  readonly json?: boolean;
  readonly csv?: boolean;
}

const DEVICES: readonly DeviceChoice[] = ["auto", "cpu", "cuda", "metal", "vulkan"];

/** `flashsloth bench [image] [question]` */
export function addBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("measure how long each stage takes here")
    .description(
      "Measure how long each stage takes on this machine, and print a table in Markdown.\n" +
        "Without a picture it uses one made by arithmetic.",
    )
    .argument("[image]", "a picture's file")
    .argument("[question]", "what to ask about it")
    .option(
      "-m, --model <name|dir>",
      "a model's name, or the folder of a checkpoint or a converted model",
      filled("a model's name or folder"),
      "flashsloth-3.2b",
    )
    .option("--no-download", "do not fetch a model that is not on this disk")
    .addOption(new Option("--device <device>", "where to compute").choices(DEVICES).default("auto"))
    .option("--threads <n>", "threads to compute with (default: the physical cores)", threadCount)
    .option("--repeat <n>", "measurements", wholeNumber(1, 1000), 5)
    .option("--warmup <n>", "rounds before the first measurement", wholeNumber(0, 1000), 1)
    .option("--max-tokens <n>", "tokens to generate in each round", tokenCount, 32)
    .addOption(
      new Option("--pictures <n>", "measure as in a run over so many pictures (default: 1)")
        .argParser(wholeNumber(1, 1_000_000))
        .conflicts("cold"),
    )
    .option("--cold", "measure whole `ask` commands, each in a fresh process, loading included")
    .addOption(
      new Option("--uncompressed", "all visual tokens, no pooling: what compression saves").conflicts("cold"),
    )
    .option("--json", "print one JSON object instead of the table")
    .addOption(new Option("--csv", "print the stages as CSV instead of the table").conflicts("json"));
  terminalOptions(command).action(
    async (image: string | undefined, question: string | undefined, flags: BenchFlags) => {
      const { bench } = await import("../bench.ts");
      process.exitCode = await bench({ image, question }, flags);
    },
  );
}
