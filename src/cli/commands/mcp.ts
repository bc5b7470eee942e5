import type { Command } from "commander";
import { eachOf } from "../values.ts";
import { cacheOptions, parallelOption } from "./many.ts";
import { modelOptions, terminalOptions, type ModelFlags, type TerminalFlags } from "./shared.ts";

export interface McpFlags extends ModelFlags, TerminalFlags {
  readonly root?: readonly string[];
  readonly allowRemoteImages?: boolean;
  readonly parallel: number | "auto";
  readonly cache: boolean;
  readonly cacheSize?: number;
}

/** `flashsloth mcp` */
export function addMcp(program: Command): void {
  const command = program
    .command("mcp")
    .summary("let an assistant ask about pictures (Model Context Protocol)")
    .description(
      "Serve the Model Context Protocol on standard input and output, for an assistant that starts this command:\n" +
        "tools to ask about a picture, to compare answers, and to search a folder. The model is loaded at the first call.",
    )
    .option("--root <dir>", "a folder whose pictures may be read; to be repeated (default: none)", eachOf)
    .option(
      "--allow-remote-images",
      "fetch pictures that the assistant names by http(s) URLs, from public addresses",
    );
  const served = modelOptions(command).addOption(parallelOption());
  terminalOptions(cacheOptions(served)).action(async (flags: McpFlags) => {
    const { mcp } = await import("../mcp.ts");
    await mcp(flags);
  });
}
