import { variantOf } from "../core/model/manifest.ts";
import { showVariant } from "../core/model/variant.ts";
import { verifyModel } from "../store/verify.ts";
import type { VerifyFlags } from "./commands/verify.ts";
import { EXIT } from "./exit.ts";
import { showStoreProgress } from "./terminal/progress.ts";
import { runCommand } from "./run-command.ts";
import { visible } from "../core/visible.ts";

/** `verify`: a line for each file of a model; status 1 when one is not what it was. */
export async function verify(model: string, flags: VerifyFlags): Promise<void> {
  await runCommand({ flags, stopped: "not every file was checked" }, async ({ terminal, signal, print }) => {
    const onProgress = showStoreProgress(terminal);
    const results = await verifyModel({ model, onProgress, signal });
    terminal.clear();
    for (const result of results) {
      if (flags.json === true) {
        await print(JSON.stringify(result));
        continue;
      }
      for (const { name, state } of result.files) await print(`${state.padEnd(10)}  ${visible(name)}`);
      const which = results.length > 1 ? ` (${showVariant(variantOf(result))})` : "";
      if (result.ok) terminal.note(`${result.name}${which} is as it was converted`);
      else terminal.error(`${result.name} in ${result.directory} is damaged`, result.advice);
    }
    return results.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
  });
}
