import type { TerminalFlags } from "./commands/shared.ts";
import { EXIT, statusOfSignal } from "./exit.ts";
import { Interrupts } from "./interrupt.ts";
import { StreamOutput, type Output } from "./output.ts";
import { Terminal } from "./terminal.ts";

/** What a command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly interrupts: Interrupts;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** Standard output. */
  readonly output: Output;
  /** Writes a line to standard output. */
  readonly print: (line: string) => Promise<void>;
}

/** @returns the exit status, where no signal came and the reader of standard output stayed */
export type CommandWork = (context: CommandContext) => Promise<number>;

/**
 * Runs one command: gives it the terminal, Ctrl-C and standard output, and sets the exit status of the process.
 * @throws what `work` throws, unless that is how it was stopped
 */
export async function runCommand(flags: TerminalFlags, work: CommandWork): Promise<void> {
  const { stderr, stdout, env } = process;
  const terminal = await Terminal.open({ stderr, env, quiet: flags.quiet ?? false, color: flags.color });
  const interrupts = new Interrupts({
    onFirst: () => terminal.note("stopping; press Ctrl-C again to stop at once"),
    onLast: () => terminal.clear(),
  });
  const output = new StreamOutput(stdout);
  const print = async (line: string): Promise<void> => {
    terminal.clear();
    await output.write(`${line}\n`);
  };
  let status: number;
  try {
    status = await work({ terminal, interrupts, signal: interrupts.signal, output, print });
  } catch (error) {
    if (interrupts.received === undefined) throw error;
    status = EXIT.interrupted;
    terminal.clear();
    terminal.note("stopped; the same command goes on where it stopped");
  } finally {
    terminal.clear();
    interrupts.dispose();
  }
  if (interrupts.received !== undefined) process.exitCode = statusOfSignal(interrupts.received);
  else process.exitCode = output.closed.aborted ? EXIT.ok : status;
}
