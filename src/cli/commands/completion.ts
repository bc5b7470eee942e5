import { Argument, type Command } from "commander";
import { SHELLS, type Shell } from "../completion/shells.ts";
import { terminalOptions, type TerminalFlags } from "./shared.ts";

/** `flashsloth completion <shell>` */
export function addCompletion(program: Command): void {
  const command = program
    .command("completion")
    .summary("print a script that completes commands with Tab")
    .description(
      "Print a script that completes commands, options, models and files with Tab:\n" +
        '  bash  eval "$(flashsloth completion bash)" in ~/.bashrc\n' +
        '  zsh   eval "$(flashsloth completion zsh)" in ~/.zshrc, after compinit\n' +
        "  fish  flashsloth completion fish > ~/.config/fish/completions/flashsloth.fish",
    )
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS));
  terminalOptions(command).action(async (shell: Shell, flags: TerminalFlags) => {
    const { completion } = await import("../completion.ts");
    await completion(shell, flags);
  });
}
