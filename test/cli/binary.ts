import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
export const BINARY: string = join(ROOT, "bin/flashsloth.js");
const DRAWINGS = join(ROOT, "test/fixtures/eval");

/** A drawing of the evaluation set by its file name. */
export function drawing(name: string): string {
  return join(DRAWINGS, name);
}

export const DRAWINGS_FOLDER: string = DRAWINGS;
/** A drawing with one red circle in it, and what to ask. */
export const RED_CIRCLE: string = drawing("023.png");
export const QUESTION = "What color is the circle?";

export interface RunOptions {
  /** On top of a plain environment. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** What standard input holds; null leaves it open and silent. @default "" */
  readonly stdin?: string | Uint8Array | null;
  readonly cwd?: string;
}

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder for this test file, with a model store in it. */
export class Place {
  readonly binary: string = BINARY;
  directory = "";

  constructor() {
    beforeAll(async () => {
      this.directory = await mkdtemp(join(tmpdir(), "flashsloth-cli-"));
    });
    afterAll(async () => rm(this.directory, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** An environment that owes nothing to whoever runs the tests. */
  environment(changes: Readonly<Record<string, string>> = {}): Record<string, string> {
    const { PATH = "", HOME = "" } = process.env;
    return { PATH, HOME, TERM: "xterm", FLASHSLOTH_HOME: this.path("store"), ...changes };
  }

  /** Starts any command line. */
  start(command: string, words: readonly string[], options: RunOptions = {}): ChildProcessWithoutNullStreams {
    const child = spawn(command, words, {
      env: this.environment(options.env),
      cwd: options.cwd ?? this.directory,
    });
    child.stdin.on("error", () => {}); // the process may end without reading it
    if (options.stdin !== null) child.stdin.end(options.stdin ?? "");
    return child;
  }

  /** Runs the built binary to its end. */
  async run(words: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return finished(this.start(process.execPath, [BINARY, ...words], options));
  }

  /** Puts the demo model into this place's store. */
  async convertDemo(): Promise<void> {
    const { status, stderr } = await this.run(["ask", "-m", "demo", RED_CIRCLE, QUESTION]);
    if (status !== 0) throw new Error(`the demo model does not answer: ${stderr}`);
  }

  /** Runs a line of bash in which `$flashsloth` is the built binary. */
  async bash(line: string, options: RunOptions = {}): Promise<Finished> {
    const env = { flashsloth: `${process.execPath} ${BINARY}`, ...options.env };
    return finished(this.start("bash", ["-c", line], { ...options, env }));
  }
}

/** Collects what a process says until it ends. */
export async function finished(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (status, signal) => done({ status, signal, stdout, stderr }));
  });
}

/** Resolves once `stream` has said `text`. */
export async function says(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  let heard = "";
  return new Promise((done) => {
    stream.on("data", (piece: Buffer | string) => {
      heard += String(piece);
      if (heard.includes(text)) done();
    });
  });
}

/** The lines of `text`, each ended by a newline. */
export function lines(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}
