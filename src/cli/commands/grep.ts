import { Option, type Command } from "commander";
import { filled, probability, timeoutSeconds } from "../values.ts";
import { cacheOptions, parallelOption, shardOption, type ManyFlags } from "./many.ts";
import { modelOptions, terminalOptions, type ModelFlags, type TerminalFlags } from "./shared.ts";

export interface GrepFlags extends ModelFlags, TerminalFlags, ManyFlags {
  readonly recursive?: boolean;
  readonly threshold: number;
  readonly invertMatch?: boolean;
  readonly count?: boolean;
  readonly silent?: boolean;
  readonly null?: boolean;
  readonly json?: boolean;
  readonly sort?: boolean;
}

/** `flashsloth grep <what> <path...>` */
export function addGrep(program: Command): void {
  const command = program
    .command("grep")
    .summary("print the pictures that show something")
    .description(
      'Print the pictures that show something: "a red circle", or a whole yes/no question that ends with "?".\n' +
        "A picture matches when the model finds yes at least as probable as --threshold says.\n" +
        "Exit status: 0 some match, 1 none does, 2 there was trouble.",
    )
    .argument("<what>", "what the pictures are to show", filled("what the pictures are to show"))
    .argument("<path...>", "pictures, folders, or - for a picture's bytes on standard input")
    .option("-r, --recursive", "descend into folders")
    .option("--threshold <p>", "the least probability of yes, from 0 to 1", probability, 0.5)
    .option("-v, --invert-match", "print the pictures that do not match")
    .addOption(new Option("-c, --count", "print only how many there are").conflicts(["json", "null"]))
    .option("-q, --silent", "print nothing, and stop at the first match: the exit status tells")
    .option("-0, --null", "end each name with a NUL instead of a newline, and print it as it is")
    .addOption(new Option("--json", "print one JSON object a line, with the probability").conflicts(["null"]))
    .option("--sort", "print the best match first, when all are known");
  const many = modelOptions(command)
    .option("--timeout <seconds>", "the longest time for one picture", timeoutSeconds)
    .addOption(parallelOption())
    .addOption(shardOption());
  terminalOptions(cacheOptions(many)).action(async (what: string, paths: string[], flags: GrepFlags) => {
    const { grep } = await import("../grep.ts");
    await grep(what, paths, flags);
  });
}
