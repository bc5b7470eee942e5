import type { Command } from "commander";
import { filled } from "../values.ts";
import { terminalOptions, type TerminalFlags } from "./shared.ts";

export interface VerifyFlags extends TerminalFlags {
  readonly json?: boolean;
}

/** `flashsloth verify <model>` */
export function addVerify(program: Command): void {
  const command = program
    .command("verify")
    .summary("check a model's files")
    .description(
      "Read every file of a model again, compare its SHA-256 with the manifest, and say what to do.",
    )
    .argument(
      "<model>",
      "a name that `flashsloth list` shows, or a converted model's folder",
      filled("a model"),
    )
    .option("--json", "print one JSON object a line");
  terminalOptions(command).action(async (model: string, flags: VerifyFlags) => {
    const { verify } = await import("../verify.ts");
    await verify(model, flags);
  });
}
