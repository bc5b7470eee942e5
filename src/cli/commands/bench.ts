import { Option, type Command } from "commander";
import { filled, tokenCount, wholeNumber } from "../values.ts";
import { modelOptions, terminalOptions, type ModelFlags, type TerminalFlags } from "./shared.ts";

export interface BenchFlags extends ModelFlags, TerminalFlags {
  readonly repeat: number;
  readonly warmup: number;
  readonly maxTokens: number;
  readonly pictures?: number;
  readonly compare?: string;
  readonly cold?: boolean;
  readonly uncompressed?: boolean;
  readonly json?: boolean;
  readonly csv?: boolean;
}

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
    .argument("[question]", "what to ask about it");
  modelOptions(command)
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
    .addOption(
      new Option(
        "--compare <variants>",
        "measure other variants in turn with this one, like q4_k_s,q4_0,q4_0+mixed; or folders with converted models",
      )
        .argParser(filled("variants"))
        .conflicts(["cold", "uncompressed"]),
    )
    .option("--json", "print one JSON object instead of the table")
    .addOption(new Option("--csv", "print the stages as CSV instead of the table").conflicts("json"));
  terminalOptions(command).action(
    async (image: string | undefined, question: string | undefined, flags: BenchFlags) => {
      const { bench } = await import("../bench.ts");
      await bench({ image, question }, flags);
    },
  );
}
