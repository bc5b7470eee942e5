import { Argument, type Command } from "commander";
import { SHELLS, type Shell } from "../completion/shells.ts";

/** `flashsloth complete <shell> [words...]`: what a completion script asks, and nobody types. */
export function addComplete(program: Command): void {
  program
    .command("complete", { hidden: true })
    .description("Print what may follow the words of a command line; the last one is the one being typed.")
    .addArgument(new Argument("<shell>", "which shell asks").choices(SHELLS))
    .argument("[words...]", "the command line without its first word, after --")
    .action(async (shell: Shell, words: string[]) => {
      const { complete } = await import("../complete.ts");
      await complete(program, shell, words);
    });
}
