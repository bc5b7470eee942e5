import { Argument, Option, type Command } from "commander";
import { TASK_NAMES, type TaskName } from "../../eval/names.ts";
import { PROTOCOLS, type Protocol } from "../../eval/protocols.ts";
import { filled, wholeNumber } from "../values.ts";
import { cacheOptions, parallelOption, shardOption, type ManyFlags } from "./many.ts";
import { modelOptions, terminalOptions, type ModelFlags, type TerminalFlags } from "./shared.ts";

export interface EvalFlags extends ModelFlags, TerminalFlags, Omit<ManyFlags, "timeout"> {
  readonly data?: string;
  readonly protocol?: Protocol;
  readonly limit?: number;
  readonly output?: string;
  readonly resume?: boolean;
  readonly force?: boolean;
  readonly answers?: string;
  readonly embq: boolean;
  readonly json?: boolean;
  readonly list?: boolean;
}

/** `flashsloth eval [task]` */
export function addEval(program: Command): void {
  const command = program
    .command("eval")
    .summary("score a model on a published benchmark, as its authors did")
    .description(
      "Ask a benchmark's questions about your copy of its pictures, score the answers as FlashSloth's authors did, and print the " +
        "figure beside the paper's. --list says what each benchmark needs, and where to get it. `eval demo` needs nothing: " +
        "it asks the demo model about drawings that are made here.",
    )
    .addArgument(new Argument("[task]", "the benchmark").choices(TASK_NAMES))
    .option("--data <dir>", "the folder with your copy of it", filled("a folder"))
    .addOption(
      new Option(
        "--protocol <name>",
        "whose scripts to follow (default: those whose files are there)",
      ).choices(PROTOCOLS),
    )
    .option("--limit <n>", "only the first N questions (of demo: N drawings)", wholeNumber(1, 1_000_000_000))
    .addOption(shardOption())
    .option("-o, --output <file>", "write the answers to a file, in LLaVA's form", filled("a file"))
    .option("--resume", "keep what the file of -o holds, and ask only what is not answered in it")
    .option("--force", "with --resume: though other options were given")
    .addOption(
      new Option("--answers <file>", "ask nothing: score a file of answers in LLaVA's form")
        .argParser(filled("a file"))
        .conflicts(["output", "resume"]),
    )
    .option("--list", "show what each benchmark needs, and where to get it")
    .option("--json", "print one JSON object instead of the table");
  modelOptions(command)
    .option("--no-embq", "leave EmbQ out of the model, to see what it does")
    .addOption(parallelOption());
  terminalOptions(cacheOptions(command)).action(
    async (task: TaskName | undefined, flags: EvalFlags, parsed: Command) => {
      const { evaluate } = await import("../eval.ts");
      await evaluate(task, flags, { modelGiven: parsed.getOptionValueSource("model") !== "default" });
    },
  );
}
