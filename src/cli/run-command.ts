import { fstatSync } from "node:fs";
import { FlashSlothError } from "../core/errors.ts";
import type { TerminalFlags } from "./commands/shared.ts";
import { EXIT, statusOfSignal } from "./exit.ts";
import { Interrupts } from "./terminal/interrupt.ts";
import { StreamOutput, type Output } from "./answers/output.ts";
import { Terminal } from "./terminal/terminal.ts";

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

export interface RunCommandOptions {
  readonly flags: TerminalFlags;
  /** What is true of the work when Ctrl-C has stopped it in its midst: the end of the sentence `stopped; …`. @default none */
  readonly stopped?: string | undefined;
  /** Whether it runs until a signal comes: its exit status is then the work's own. @default false */
  readonly endsBySignal?: boolean | undefined;
}

/** For work that keeps what it has done. */
export const GOES_ON = "the same command goes on where it stopped";

/** @returns the exit status, where no signal came and the reader of standard output stayed */
export type CommandWork = (context: CommandContext) => Promise<number>;

/**
 * Runs one command: gives it the terminal, Ctrl-C and standard output, and sets the exit status of the process.
 * @throws what `work` throws, unless that is how it was stopped
 */
export async function runCommand(options: RunCommandOptions, work: CommandWork): Promise<void> {
  const { flags, stopped, endsBySignal = false } = options;
  const { stderr, stdout, env } = process;
  const { quiet = false, color } = flags;
  const terminal = await Terminal.open({ stderr, env, quiet, color, piped: isPipe(stdout.fd) });
  const interrupts: Interrupts = new Interrupts({
    onFirst: () => {
      const { inHand } = interrupts;
      const now = inHand === undefined ? "stopping" : `finishing ${inHand}`;
      terminal.note(`${now}; press Ctrl-C again to stop at once`);
    },
    onLast: () => terminal.clear(),
  });
  const output = new StreamOutput(stdout);
  const print = async (line: string): Promise<void> => {
    terminal.clear();
    await output.write(`${line}\n`);
  };
  try {
    const status = await work({ terminal, interrupts, signal: interrupts.signal, output, print });
    process.exitCode = output.closed.aborted ? EXIT.ok : status;
  } catch (error) {
    if (interrupts.received === undefined || !isStop(error)) throw error;
    terminal.clear();
    terminal.note(stopped === undefined ? "stopped" : `stopped; ${stopped}`);
  } finally {
    terminal.clear();
    interrupts.dispose();
  }
  if (interrupts.received !== undefined && !endsBySignal)
    process.exitCode = statusOfSignal(interrupts.received);
}

/** Whether what is written there goes to another process. */
function isPipe(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false; // closed
  }
}

/** Whether an error says no more than that the work was told to stop. */
function isStop(error: unknown): boolean {
  if (error instanceof FlashSlothError) return error.code === "interrupted";
  return error instanceof Error && error.name === "AbortError";
}
