import { showBytes } from "../core/show-bytes.ts";
import { removeModel } from "../store/remove.ts";
import type { RemoveFlags } from "./commands/remove.ts";
import { EXIT } from "./exit.ts";
import { showStoreProgress } from "./terminal/progress.ts";
import { runCommand } from "./run-command.ts";

/** `remove`: deletes a model and says how much room that made. */
export async function remove(model: string, flags: RemoveFlags): Promise<void> {
  await runCommand(
    { flags, stopped: "the same command removes what is left" },
    async ({ terminal, signal, print }) => {
      const onProgress = showStoreProgress(terminal);
      const result = await removeModel({ model, onProgress, signal });
      if (flags.json === true) await print(JSON.stringify(result));
      else terminal.note(`removed ${result.name}: ${showBytes(result.bytes)} are free again`);
      return EXIT.ok;
    },
  );
}
