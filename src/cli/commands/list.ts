import type { Command } from "commander";
import { terminalOptions, type TerminalFlags } from "./shared.ts";

export interface ListFlags extends TerminalFlags {
  readonly json?: boolean;
}

/** `flashsloth list` */
export function addList(program: Command): void {
  const command = program
    .command("list")
    .summary("show the models on this disk")
    .description(
      "Show the models on this disk: name, weight type (and vision precision, where it is not fp32), size and origin.",
    )
    .option("--json", "print one JSON object a line");
  terminalOptions(command).action(async (flags: ListFlags) => {
    const { list } = await import("../list.ts");
    await list(flags);
  });
}
