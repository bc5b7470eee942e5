import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import type { ReadStream, WriteStream } from "node:tty";
import { completeLine, type CompleteOptions } from "../../chat/complete.ts";
import { messageOf } from "../../core/errors.ts";
import { storePaths } from "../../store/home.ts";
import { EXIT } from "../exit.ts";
import type { CommandContext } from "../run-command.ts";
import type { Dialogue } from "./dialogue.ts";
import { History } from "./history.ts";
import { LineReader } from "./line-reader.ts";

export interface OnTerminalOptions {
  readonly context: CommandContext;
  readonly dialogue: Dialogue;
  readonly input: ReadStream;
  /** Where prompt and lines are shown. */
  readonly screen: WriteStream;
}

/** Takes lines from a person. Ctrl-C stops what is being done, and never the chat. @returns the exit status */
export async function chatOnTerminal(options: OnTerminalOptions): Promise<number> {
  const { context, dialogue, input, screen } = options;
  const { terminal, interrupts, signal, output } = context;
  const paths = storePaths();
  const history = new History({ path: paths.chatHistory, locks: paths.locks });
  const notKept = (error: unknown): void => {
    terminal.warning(`what is typed is not kept for later chats: ${messageOf(error)}`);
  };
  let keeps = true;
  const before = await history.read().catch((error: unknown) => {
    keeps = false;
    notKept(error);
    return [];
  });
  const sayHowToLeave = (): void => terminal.note("Ctrl-D or /exit leaves");
  const reader = new LineReader({
    input,
    screen,
    edits: process.env["TERM"] !== "dumb",
    history: before,
    complete: async (line) => completeLine(line, completeOptions()),
    onIdleInterrupt: sayHowToLeave,
  });
  let work: AbortController | undefined;
  interrupts.taker = () => (work === undefined ? reader.interrupt(sayHowToLeave) : work.abort());
  const leave = (): void => {
    work?.abort();
    reader.close();
  };
  signal.addEventListener("abort", leave);
  output.closed.addEventListener("abort", leave);
  try {
    for (;;) {
      const line = await reader.next();
      if (line === undefined) return EXIT.ok;
      if (keeps) {
        await history.add(line).catch((error: unknown) => {
          keeps = false;
          notKept(error);
        });
      }
      work = new AbortController();
      const goesOn = await dialogue.take(line, work.signal);
      work = undefined;
      if (!goesOn || signal.aborted) return EXIT.ok;
    }
  } finally {
    interrupts.taker = undefined;
    reader.close();
  }
}

function completeOptions(): CompleteOptions {
  return {
    home: homedir(),
    windows: process.platform === "win32",
    list: async (folder) => {
      const entries = await readdir(folder, { withFileTypes: true });
      return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
    },
  };
}
