import type { TerminalFlags } from "./commands/shared.ts";
import { BASH } from "./completion/bash.ts";
import { FISH } from "./completion/fish.ts";
import type { Shell } from "./completion/shells.ts";
import { ZSH } from "./completion/zsh.ts";
import { EXIT } from "./exit.ts";
import { runCommand } from "./run-command.ts";

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** `completion`: prints what a shell is to run at its start. */
export async function completion(shell: Shell, flags: TerminalFlags): Promise<void> {
  await runCommand({ flags }, async ({ print }) => {
    await print(SCRIPTS[shell].trimEnd());
    return EXIT.ok;
  });
}
