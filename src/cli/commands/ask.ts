import type { Command } from "commander";
import { answersOptions, type AnswersFlags } from "./answers.ts";
import { constraintOptions, type ConstraintFlags } from "./constraint.ts";
import { explainOptions, type ExplainFlags } from "./explain.ts";
import {
  eachOf,
  filled,
  seedValue,
  temperatureValue,
  timeoutSeconds,
  tokenCount,
  topPValue,
} from "../values.ts";
import { cacheOptions, parallelOption, shardOption, type ManyFlags } from "./many.ts";
import { modelOptions, terminalOptions, type ModelFlags, type TerminalFlags } from "./shared.ts";

export interface AskFlags
  extends ModelFlags, TerminalFlags, ConstraintFlags, AnswersFlags, ManyFlags, ExplainFlags {
  readonly question?: readonly string[];
  readonly recursive?: boolean;
  readonly filesFrom?: string;
  readonly null?: boolean;
  readonly questions?: string;
  readonly imageDir?: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly embq: boolean;
  readonly bench?: boolean;
  readonly unordered?: boolean;
}

/** `flashsloth ask <image...> [question]` */
export function addAsk(program: Command): void {
  const command = program
    .command("ask")
    .summary("answer a question about each picture")
    .description(
      "Answer a question about each picture. The last argument is the question, unless -q gives it.\n" +
        "A picture is a file, a folder (its pictures, sorted), an http(s) URL or - (the picture's bytes on standard input).",
    )
    .usage("[options] [image...] [question]")
    .argument("[words...]", "the pictures, then the question")
    .option(
      "-q, --question <text>",
      "the question; every argument is then a picture; may be repeated",
      eachOf,
    )
    .option("-r, --recursive", "descend into folders")
    .option(
      "--files-from <file>",
      "also the pictures that are named there, a line each; - reads standard input",
      filled("a file"),
    )
    .option("-0, --null", "in --files-from, NUL ends a name, as in what find -print0 writes")
    .option(
      "--questions <file>",
      "pictures and questions, a row each, as JSON Lines (LLaVA's and OpenAI's too) or CSV; - reads standard input",
      filled("a file"),
    )
    .option(
      "--image-dir <dir>",
      "the folder that the pictures' names in --questions begin in",
      filled("a folder"),
    );
  modelOptions(command)
    .option("--max-tokens <n>", "the longest answer, in tokens", tokenCount, 512)
    .option("--temperature <t>", "0 takes the likeliest token; above 0 samples", temperatureValue, 0)
    .option("--top-p <p>", "sample from the likeliest tokens of this total probability", topPValue, 1)
    .option("--seed <n>", "of the sampling", seedValue, 0)
    .option("--no-embq", "leave EmbQ out of the model, to see what it does")
    .option("--timeout <seconds>", "the longest time for one picture", timeoutSeconds);
  const many = explainOptions(constraintOptions(command))
    .addOption(parallelOption())
    .option("--unordered", "print each answer as soon as it is there, in whatever order")
    .addOption(shardOption());
  cacheOptions(many).option("--bench", "show how long each stage took");
  terminalOptions(answersOptions(command)).action(async (words: string[], flags: AskFlags) => {
    const { ask } = await import("../ask.ts");
    await ask(words, flags);
  });
}
