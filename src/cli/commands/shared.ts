import type { Command } from "commander";

/** The options that every command takes. */
export interface TerminalFlags {
  readonly quiet?: boolean;
  readonly color: boolean;
}

export function terminalOptions(command: Command): Command {
  return command
    .option("--quiet", "show no progress, notes or warnings")
    .option("--no-color", "do not colour messages");
}
