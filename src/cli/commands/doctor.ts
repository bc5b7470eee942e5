import type { Command } from "commander";
import { filled } from "../values.ts";
import { terminalOptions, type TerminalFlags } from "./shared.ts";

export interface DoctorFlags extends TerminalFlags {
  readonly model?: string;
  readonly json?: boolean;
}

/** `flashsloth doctor` */
export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .summary("try every device, and show what a bug report needs")
    .description(
      "Try every device with a model that is on this disk, and show versions, drivers, models, the store and what would make\n" +
        "this machine faster. Each device computes known numbers in a process of its own. Status 0 when the default one is sound.",
    )
    .option(
      "-m, --model <name|dir>",
      "what to try devices with (default: a model that is on this disk)",
      filled("a model's name or folder"),
    )
    .option("--json", "print one JSON object");
  terminalOptions(command).action(async (flags: DoctorFlags) => {
    const { doctor } = await import("../doctor.ts");
    await doctor(flags);
  });
}
