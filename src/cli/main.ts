import { CommanderError } from "commander";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import { EXIT, statusOf, statusOfTrouble } from "./exit.ts";
import { keepNurserySmall } from "./nursery.ts";
import { createProgram } from "./program.ts";
import { visible } from "../core/visible.ts";

/** Runs one command line; ends the process by running out of work, never by `process.exit()`. */
async function main(words: readonly string[]): Promise<void> {
  const program = createProgram({ print: (text) => process.stdout.write(text) });
  try {
    if (words.length === 0) {
      process.stderr.write(program.helpInformation());
      process.exitCode = EXIT.usage;
      return;
    }
    await program.parseAsync([...words], { from: "user" });
  } catch (error) {
    const commands = program.commands.map((command) => command.name());
    process.exitCode = statusOfTrouble(words[0], await complain(error, words, commands));
  }
}

/** One line on stderr, perhaps a hint. @returns the exit status */
async function complain(
  error: unknown,
  words: readonly string[],
  commands: readonly string[],
): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok; // help, version
    const command = commands.includes(words[0] ?? "") ? ` ${words[0]}` : "";
    const message = messageOf(error).replace(/^error: /, "");
    await show(message, `see flashsloth${command} --help`);
    return EXIT.usage;
  }
  if (error instanceof FlashSlothError && error.code !== "internal") {
    if (error.code !== "interrupted") await show(error.message, error.hint);
    return statusOf(error.code);
  }
  await show(`unexpected failure: ${messageOf(error)}`, "please report this, with the lines below");
  process.stderr.write(`${visible((error instanceof Error && error.stack) || String(error), "\n")}\n`);
  return EXIT.failed;
}

async function show(message: string, hint: string | undefined): Promise<void> {
  const { Terminal } = await import("./terminal/terminal.ts");
  const { stderr, env, argv } = process;
  const terminal = await Terminal.open({ stderr, env, quiet: true, color: !argv.includes("--no-color") });
  terminal.error(message, hint);
}

// a closed pipe is no failure; whoever writes answers listens too
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") process.exitCode = EXIT.failed;
});
process.stderr.on("error", () => {});

keepNurserySmall();
await main(process.argv.slice(2));
