import { Argument, type Command } from "commander";
import { terminalOptions, type TerminalFlags } from "./shared.ts";

export interface CacheFlags extends TerminalFlags {
  readonly json?: boolean;
}

/** `flashsloth cache [clear]` */
export function addCache(program: Command): void {
  const command = program
    .command("cache")
    .summary("show or clear what is kept to answer faster")
    .description(
      "Show what is kept to answer faster: the beginning of every prompt, features of pictures, and the last few\n" +
        "pictures' part of the prompt. `clear` deletes all of it; whatever is missed is computed again.",
    )
    .addArgument(new Argument("[action]", "clear").choices(["clear"]))
    .option("--json", "print one JSON object a line");
  terminalOptions(command).action(async (action: "clear" | undefined, flags: CacheFlags) => {
    const { cache } = await import("../cache.ts");
    await cache(action, flags);
  });
}
