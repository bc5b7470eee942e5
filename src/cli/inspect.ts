import { inspectModel } from "../store/inspect.ts";
import type { InspectFlags } from "./commands/inspect.ts";
import { EXIT } from "./exit.ts";
import { inspectionTable } from "./inspection-table.ts";
import { showStoreProgress } from "./terminal/progress.ts";
import { runCommand } from "./run-command.ts";
import { visible } from "../core/visible.ts";

/** `inspect`: what a repository or a folder holds; status 1 when it cannot be used. */
export async function inspect(model: string, flags: InspectFlags): Promise<void> {
  await runCommand({ flags, stopped: "nothing was kept" }, async ({ terminal, signal, print }) => {
    const { quant, visionPrecision, strict } = flags;
    const onProgress = showStoreProgress(terminal);
    terminal.status(`looking at ${model}`);
    const found = await inspectModel({ model, quant, visionPrecision, strict, onProgress, signal });
    terminal.clear();
    if (flags.json === true) await print(JSON.stringify(found));
    else for (const line of inspectionTable(found)) await print(visible(line));
    return found.usable ? EXIT.ok : EXIT.failed;
  });
}
