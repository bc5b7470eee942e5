import { basename, resolve } from "node:path";
import type { ConvertFlags } from "./commands/convert.ts";
import { EXIT } from "./exit.ts";
import { showStoreProgress } from "./progress.ts";
import { GOES_ON, runCommand } from "./run-command.ts";

/** `convert`: makes a checkpoint's folder into one that `ask` loads. */
export async function convert(checkpoint: string, out: string, flags: ConvertFlags): Promise<void> {
  await runCommand({ flags, stopped: GOES_ON }, async ({ terminal, signal }) => {
    const show = showStoreProgress(terminal);
    const { convertCheckpoint } = await import("../convert/convert.ts");
    await convertCheckpoint({
      checkpoint,
      out,
      name: flags.name ?? basename(resolve(out)),
      quant: flags.quant,
      visionPrecision: flags.visionPrecision,
      visionBudget: flags.visionBudget,
      calibrate: flags.calibrate,
      onProgress: ({ stage, done, total }) => show({ stage: "convert", step: stage, done, total }),
      signal,
    });
    terminal.clear();
    terminal.note(`converted to ${out}; ask it with: flashsloth ask -m ${out} PICTURE QUESTION`);
    return EXIT.ok;
  });
}
