import type { Command } from "commander";
import { seedValue, temperatureValue, timeoutSeconds, tokenCount, topPValue } from "../values.ts";
import { cacheOptions, type ManyFlags } from "./many.ts";
import { modelOptions, terminalOptions, type ModelFlags, type TerminalFlags } from "./shared.ts";

export interface ChatFlags extends ModelFlags, TerminalFlags, Pick<ManyFlags, "cache" | "cacheSize"> {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly embq: boolean;
  readonly timeout?: number;
}

/** `flashsloth chat [image]` */
export function addChat(program: Command): void {
  const command = program
    .command("chat")
    .summary("have a conversation about a picture")
    .description(
      "Have a conversation about a picture: a file or an http(s) URL. Every question is asked with all that was said before.\n" +
        "/help lists what else can be done. From a pipe, each line is a question, and each answer a line.",
    )
    .argument(
      "[image]",
      "the picture to begin with; later ones are given with /image, or dropped on the terminal",
    );
  modelOptions(command)
    .option("--max-tokens <n>", "the longest answer, in tokens", tokenCount, 512)
    .option("--temperature <t>", "0 takes the likeliest token; above 0 samples", temperatureValue, 0)
    .option("--top-p <p>", "sample from the likeliest tokens of this total probability", topPValue, 1)
    .option("--seed <n>", "of the sampling", seedValue, 0)
    .option("--no-embq", "leave EmbQ out of the model, to see what it does")
    .option("--timeout <seconds>", "the longest time for one answer", timeoutSeconds);
  terminalOptions(cacheOptions(command)).action(async (image: string | undefined, flags: ChatFlags) => {
    const { chat } = await import("../chat.ts");
    await chat(image, flags);
  });
}
