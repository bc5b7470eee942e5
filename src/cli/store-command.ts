import type { TerminalFlags } from "./commands/shared.ts";
import { EXIT, statusOfSignal } from "./exit.ts";
import { Interrupts } from "./interrupt.ts";
import { StreamOutput } from "./output.ts";
import { showStoreProgress } from "./progress.ts";
import { Terminal } from "./terminal.ts";
import type { StoreProgress } from "../store/progress.ts";

/** What a command about the store works with. */
export interface StoreCommand {
  readonly terminal: Terminal;
  readonly onProgress: (event: StoreProgress) => void;
  readonly signal: AbortSignal;
  /** Writes a line to standard output. */
  readonly print: (line: string) => Promise<void>;
}

/**
 * Runs a command about the store; Ctrl-C stops it where it can go on later.
 * @returns the exit status
 */
export async function runStoreCommand(
  flags: TerminalFlags,
  work: (command: StoreCommand) => Promise<number>,
): Promise<number> {
  const { stderr, stdout, env } = process;
  const terminal = await Terminal.open({ stderr, env, quiet: flags.quiet ?? false, color: flags.color });
  const interrupts = new Interrupts({
    onFirst: () => terminal.note("stopping; press Ctrl-C again to stop at once"),
    onLast: () => terminal.clear(),
  });
  const output = new StreamOutput(stdout);
  try {
    const status = await work({
      terminal,
      onProgress: showStoreProgress(terminal),
      signal: interrupts.signal,
      print: async (line) => {
        terminal.clear();
        await output.write(`${line}\n`);
      },
    });
    return output.closed.aborted ? EXIT.ok : status;
  } catch (error) {
    if (interrupts.received === undefined) throw error;
    terminal.clear();
    terminal.note("stopped; the same command goes on where it stopped");
    return statusOfSignal(interrupts.received);
  } finally {
    terminal.clear();
    interrupts.dispose();
  }
}
