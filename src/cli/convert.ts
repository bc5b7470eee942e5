import { basename, resolve } from "node:path";
import { storePaths } from "../store/home.ts";
import type { ConvertFlags } from "./commands/convert.ts";
import { EXIT } from "./exit.ts";
import { showStoreProgress } from "./terminal/progress.ts";
import { GOES_ON, runCommand } from "./run-command.ts";

/** `convert`: makes a checkpoint's folder into one that `ask` loads. */
export async function convert(checkpoint: string, out: string, flags: ConvertFlags): Promise<void> {
  await runCommand({ flags, stopped: GOES_ON }, async ({ terminal, signal }) => {
    const show = showStoreProgress(terminal);
    const { convertCheckpoint } = await import("../convert/convert.ts");
    const { measureReference } = await import("../engine/devices/trial.ts");
    const { quant, visionPrecision, visionBudget, calibrate, strict } = flags;
    const convertWith = async (visionTower: string | undefined): Promise<unknown> =>
      convertCheckpoint({
        checkpoint,
        out,
        name: flags.name ?? basename(resolve(out)),
        quant,
        visionPrecision,
        visionBudget,
        calibrate,
        visionTower,
        strict,
        onRemark: (remark) => terminal.warning(remark),
        measureReference: async (directory) => measureReference(directory, { signal }),
        onProgress: ({ stage, done, total }) => show({ stage: "convert", step: stage, done, total }),
        signal,
      });
    if (flags.visionTower === undefined) {
      const { withVisionTower } = await import("../store/tower.ts");
      await withVisionTower(
        { checkpoint, strict, paths: storePaths(), onProgress: show, signal },
        convertWith,
      );
    } else await convertWith(flags.visionTower);
    terminal.clear();
    terminal.note(`converted to ${out}; ask it with: flashsloth ask -m ${out} PICTURE QUESTION`);
    return EXIT.ok;
  });
}
