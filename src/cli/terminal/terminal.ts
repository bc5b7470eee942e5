import { Chalk, type ChalkInstance } from "chalk";
import type { Ora } from "ora";
import { visible } from "../../core/visible.ts";

export interface TerminalOptions {
  readonly stderr: NodeJS.WriteStream;
  /** Silences everything but errors. */
  readonly quiet: boolean;
  /** False when `--no-color` was given. */
  readonly color: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Whoever reads the answers from a pipe may write to the same terminal at any moment: nothing is animated. @default false */
  readonly piped?: boolean | undefined;
}

/** Whether to colour what goes to stderr: `--no-color`, then `FORCE_COLOR`, then `NO_COLOR`, then the terminal. */
export function wantsColor(options: Pick<TerminalOptions, "color" | "env">, isTerminal: boolean): boolean {
  const { env } = options;
  const force = env["FORCE_COLOR"];
  if (!options.color) return false;
  if (force !== undefined) return force !== "0" && force !== "false";
  if (env["NO_COLOR"]) return false;
  return isTerminal && env["TERM"] !== "dumb";
}

/** Everything that a person reads beside the answers. Writes to stderr only; animates only on a terminal. */
export class Terminal {
  readonly #stderr: NodeJS.WriteStream;
  readonly #quiet: boolean;
  readonly #chalk: ChalkInstance;
  readonly #spinner: Ora | undefined;

  private constructor(options: TerminalOptions, chalk: ChalkInstance, spinner: Ora | undefined) {
    this.#stderr = options.stderr;
    this.#quiet = options.quiet;
    this.#chalk = chalk;
    this.#spinner = spinner;
  }

  static async open(options: TerminalOptions): Promise<Terminal> {
    const { stderr, quiet, env, piped = false } = options;
    const colored = wantsColor(options, stderr.isTTY);
    // a terminal that does not say how wide it is cannot be drawn on
    const animated = stderr.isTTY && stderr.columns > 0 && !quiet && !piped && env["TERM"] !== "dumb";
    const { default: ora } = animated ? await import("ora") : { default: undefined };
    const spinner = ora?.({
      stream: stderr,
      color: colored ? "cyan" : false,
      isEnabled: true,
      discardStdin: false,
    });
    return new Terminal(options, new Chalk({ level: colored ? 1 : 0 }), spinner);
  }

  error(message: string, hint?: string): void {
    this.#line(`${this.#chalk.red("error:")} ${visible(message)}`);
    if (hint !== undefined) this.#line(`${this.#chalk.cyan("hint:")} ${visible(hint)}`);
  }

  warning(message: string): void {
    if (!this.#quiet) this.#line(`${this.#chalk.yellow("warning:")} ${visible(message)}`);
  }

  note(message: string): void {
    if (!this.#quiet) this.#line(visible(message));
  }

  /** Lines that were asked for, such as a table: shown even when quiet. */
  report(text: string): void {
    this.#line(visible(text, "\n").trimEnd());
  }

  /** A new step of something long: a line of its own where `status` shows nothing. */
  step(message: string): void {
    if (this.#spinner === undefined) this.note(message);
  }

  /** What was drawn for this terminal, escape sequences and all: shown even when quiet, for it was asked for. */
  draw(text: string): void {
    this.clear();
    this.#stderr.write(text);
  }

  /** What is being done now; replaces itself, and is shown only on a terminal. */
  status(text: string): void {
    if (this.#spinner === undefined) return;
    this.#spinner.text = visible(text).slice(0, Math.max(10, this.#stderr.columns - 4));
    if (!this.#spinner.isSpinning) this.#spinner.start();
  }

  /** Takes the status off the screen, before something else is written to it. */
  clear(): void {
    // stopping an idle spinner would move the cursor to the start of a line that is being written
    if (this.#spinner?.isSpinning === true) this.#spinner.stop();
  }

  #line(text: string): void {
    const spinning = this.#spinner?.isSpinning ?? false;
    this.clear();
    this.#stderr.write(`${text}\n`);
    if (spinning) this.#spinner?.start();
  }
}
