import { createInterface, type Interface } from "node:readline/promises";
import type { ReadStream, WriteStream } from "node:tty";
import type { Completion } from "../../chat/complete.ts";
import { visible } from "../../core/visible.ts";
import { MARK_NO_PASTES, MARK_PASTES, TerminalKeys } from "./keys.ts";

export interface LineReaderOptions {
  readonly input: ReadStream;
  /** Where prompt and line are shown. */
  readonly screen: WriteStream;
  /** Whether the terminal moves its cursor as told; on one that does not, the system edits the line. */
  readonly edits: boolean;
  /** What was typed before, the latest first; grows. */
  readonly history: string[];
  /** @param line up to the cursor */
  readonly complete: (line: string) => Promise<Completion>;
  /** Ctrl-C on an empty line: says how to leave. */
  readonly onIdleInterrupt: () => void;
}

const PROMPT = "> ";
const CONTINUED = ". ";
/** Stands for a newline while a line is edited. */
const NEWLINE = "⏎";
/** A model's whole context has fewer characters. */
const LONGEST_LINE = 100_000;

/** Reads what a person types on a terminal: a line, several that end with a backslash, or a paste as one. */
export class LineReader {
  readonly #options: LineReaderOptions;
  readonly #readline: Interface;
  readonly #keys: TerminalKeys | undefined;
  /** readline's own list, once it has shown it */
  #listed: string[] | undefined;
  /** lines of which the last one ended with a backslash */
  #begun: string[] = [];
  /** what was typed ahead */
  readonly #ahead: string[] = [];
  #waiting: ((line: string | undefined) => void) | undefined;
  #closed = false;

  constructor(options: LineReaderOptions) {
    const { input, screen, edits, history, complete, onIdleInterrupt } = options;
    this.#options = options;
    this.#keys = edits ? new TerminalKeys(input, (text) => this.#insert(text)) : undefined;
    this.#readline = createInterface({
      input: this.#keys ?? input,
      output: screen,
      terminal: edits,
      prompt: PROMPT,
      history: history.map((text) => shown(text)),
      historySize: Number.MAX_SAFE_INTEGER, // the list is kept in bounds where it is written down
      completer: async (line: string): Promise<[string[], string]> => {
        const found = await complete(line).catch((): Completion => ({ candidates: [], typed: line }));
        return [[...found.candidates], found.typed];
      },
    });
    this.#keys?.setRawMode(false);
    this.#readline.pause();
    this.#readline.on("history", (list: string[]) => (this.#listed = list));
    this.#readline.on("line", (line) => this.#take(line));
    this.#readline.on("SIGINT", () => this.interrupt(onIdleInterrupt));
    this.#readline.on("SIGCONT", () => this.#mark(MARK_PASTES));
    this.#readline.on("close", () => this.#end());
  }

  /** The next line, with its newlines; undefined after Ctrl-D. */
  async next(): Promise<string | undefined> {
    const ahead = this.#ahead.shift();
    if (ahead !== undefined) {
      this.#options.screen.write(`${PROMPT}${visible(ahead)}\n`);
      return ahead;
    }
    if (this.#closed) return undefined;
    const line = new Promise<string | undefined>((resolve) => (this.#waiting = resolve));
    this.#keys?.setRawMode(true);
    this.#mark(MARK_PASTES);
    this.#readline.setPrompt(PROMPT);
    this.#readline.prompt();
    return await line;
  }

  /** Ctrl-C while a line is typed: forgets it. @param idle where there is none */
  interrupt(idle: () => void): void {
    if (this.#waiting === undefined) return;
    const empty = this.#readline.line === "" && this.#begun.length === 0;
    this.#begun = [];
    this.#readline.setPrompt(PROMPT);
    if (empty) {
      this.#options.screen.write("\n");
      idle();
    } else if (this.#keys !== undefined) {
      this.#readline.write(null, { ctrl: true, name: "e" });
      this.#readline.write(null, { ctrl: true, name: "u" });
    }
    this.#readline.prompt();
  }

  /** Gives the terminal back as it was. */
  close(): void {
    this.#readline.close();
  }

  #take(line: string): void {
    const continued = /(?<!\\)(?:\\\\)*\\$/.test(line);
    this.#begun.push(continued ? line.slice(0, -1) : line);
    if (continued) {
      this.#readline.setPrompt(CONTINUED);
      this.#readline.prompt();
      return;
    }
    const whole = this.#begun.join("\n").replaceAll(NEWLINE, "\n");
    this.#begun = [];
    this.#remember(whole);
    if (this.#waiting === undefined) this.#ahead.push(whole);
    else this.#give(whole);
  }

  /** readline keeps every line by itself; what belongs together is one. */
  #remember(text: string): void {
    const { history } = this.#options;
    const worthKeeping = text.trim() !== "" && !text.startsWith(" ") && history[0] !== text;
    if (worthKeeping) history.unshift(text);
    this.#listed?.splice(0, Number.POSITIVE_INFINITY, ...history.map((each) => shown(each)));
  }

  #insert(text: string): void {
    const room = LONGEST_LINE - this.#readline.line.length;
    this.#readline.write(shown(text.replace(/[\r\n]+$/, "")).slice(0, Math.max(0, room)));
  }

  #give(line: string | undefined): void {
    const give = this.#waiting;
    this.#waiting = undefined;
    if (!this.#closed) {
      this.#readline.pause();
      this.#mark(MARK_NO_PASTES);
      this.#keys?.setRawMode(false);
    }
    give?.(line);
  }

  #end(): void {
    this.#closed = true;
    this.#mark(MARK_NO_PASTES);
    if (this.#waiting !== undefined) this.#options.screen.write("\n");
    this.#keys?.close();
    this.#give(undefined);
  }

  #mark(mark: string): void {
    if (this.#keys !== undefined) this.#options.screen.write(mark);
  }
}

/** A text on one line, without what a terminal would obey. */
function shown(text: string): string {
  return text
    .replaceAll(/\r\n|\r|\n/g, NEWLINE)
    .replaceAll("\t", " ")
    .replaceAll(/[\p{Cc}\u2028\u2029]/gu, "");
}
