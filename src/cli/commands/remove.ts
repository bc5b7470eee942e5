import type { Command } from "commander";
import { filled } from "../values.ts";
import { terminalOptions, type TerminalFlags } from "./shared.ts";

export interface RemoveFlags extends TerminalFlags {
  readonly json?: boolean;
}

/** `flashsloth remove <model>` */
export function addRemove(program: Command): void {
  const command = program
    .command("remove")
    .summary("delete a model from this disk")
    .description("Delete a model from this disk, with its downloads and what interrupted runs left of it.")
    .argument("<model>", "a name that `flashsloth list` shows", filled("a model's name"))
    .option("--json", "print the result as one JSON object");
  terminalOptions(command).action(async (model: string, flags: RemoveFlags) => {
    const { remove } = await import("../remove.ts");
    await remove(model, flags);
  });
}
