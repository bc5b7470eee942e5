import type { Command } from "commander";
import { MODEL_NAMES } from "../store/catalogue.ts";
import { storePaths } from "../store/home.ts";
import { namedFolders } from "../store/named.ts";
import { candidatesFor } from "./completion/candidates.ts";
import { answerFor } from "./completion/answer.ts";
import type { Shell } from "./completion/shells.ts";
import { EXIT } from "./exit.ts";
import { runCommand } from "./run-command.ts";

/** `complete`: what may follow, a line each, and in the last line what else the shell is to offer. */
export async function complete(program: Command, shell: Shell, words: readonly string[]): Promise<void> {
  await runCommand({ flags: { quiet: true, color: false } }, async ({ print }) => {
    const candidates = candidatesFor(program, words);
    const models = candidates.models === undefined ? [] : await modelNames(candidates.models);
    for (const line of answerFor(shell, { ...candidates, models })) await print(line);
    return EXIT.ok;
  });
}

/** Names of models, each once: those on this disk, and where that is of use those that can be fetched. */
async function modelNames(which: "known" | "installed"): Promise<readonly string[]> {
  const installed = (await namedFolders(storePaths()).catch(() => [])).map(({ name }) => name);
  return [...new Set([...installed.sort(), ...(which === "known" ? MODEL_NAMES : [])])];
}
