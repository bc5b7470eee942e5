import type { ReadStream, WriteStream } from "node:tty";
import type { ImageProtocol } from "../../explain/terminal/images.ts";
import { wantsColor } from "../terminal/terminal.ts";

/** How a map is shown: as a picture, or with characters. */
export type Graphics = ImageProtocol | "truecolor" | "256" | "none";

export interface GraphicsOptions {
  /** What is asked is answered there. */
  readonly stdin: Pick<ReadStream, "isTTY" | "isRaw" | "setRawMode" | "on" | "off" | "resume" | "pause">;
  readonly stderr: Pick<WriteStream, "isTTY" | "write">;
  readonly env: NodeJS.ProcessEnv;
  /** False when `--no-color` was given. */
  readonly color: boolean;
  /** False goes by the environment alone. @default true */
  readonly asks?: boolean | undefined;
  /** Milliseconds that a terminal has to answer. @default 250 */
  readonly timeoutMs?: number | undefined;
}

/** Is there kitty's protocol (a picture of one pixel, not to be shown)? Then, what every terminal answers: what are you? */
const QUESTION = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c";
const DEFAULT_TIMEOUT_MS = 250;
/** Of the answer to "what are you": it can draw sixels (DEC's DA1). */
const SIXEL = "4";

/**
 * What a terminal can show: by what its programs set in the environment, else by asking it, where somebody can answer. Pictures are
 * colours too: without them there are plain characters.
 */
export async function detectGraphics(options: GraphicsOptions): Promise<Graphics> {
  const { stderr, stdin, env, asks = true } = options;
  if (!wantsColor(options, stderr.isTTY)) return "none";
  const characters = /^(truecolor|24bit)$/i.test(env["COLORTERM"] ?? "") ? "truecolor" : "256";
  if (!stderr.isTTY) return characters;
  const multiplexed = env["TMUX"] !== undefined || /^(screen|tmux)/.test(env["TERM"] ?? "");
  const known = multiplexed ? undefined : protocolByName(env);
  if (known !== undefined) return known;
  if (!asks || !stdin.isTTY) return characters;
  return protocolIn(await askTerminal(options)) ?? characters;
}

function protocolByName(env: NodeJS.ProcessEnv): ImageProtocol | undefined {
  const program = env["TERM_PROGRAM"];
  if (env["KITTY_WINDOW_ID"] !== undefined || env["TERM"] === "xterm-kitty" || program === "ghostty") {
    return "kitty";
  }
  const iterm = program === "iTerm.app" || program === "WezTerm" || env["LC_TERMINAL"] === "iTerm2";
  return iterm ? "iterm2" : undefined;
}

/** What a terminal's answer says. */
function protocolIn(answer: string): ImageProtocol | undefined {
  if (answer.includes("\x1b_Gi=31;OK")) return "kitty";
  const [, attributes = ""] = deviceAttributes(answer) ?? [];
  return attributes.split(";").slice(1).includes(SIXEL) ? "sixel" : undefined;
}

function deviceAttributes(answer: string): RegExpExecArray | null {
  // oxlint-disable-next-line no-control-regex -- terminals speak in them
  return /\x1b\[\?([\d;]*)c/.exec(answer);
}

/** What it answers in time; it is asked something that every terminal answers, so that none is waited for in vain. */
async function askTerminal(options: GraphicsOptions): Promise<string> {
  const { stdin, stderr, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const wasRaw = stdin.isRaw;
  let answer = "";
  const { promise: heard, resolve } = deferred();
  const timer = setTimeout(resolve, timeoutMs);
  const hear = (chunk: Buffer): void => {
    answer += chunk.toString("latin1");
    // in raw mode Ctrl-C is a character
    if (answer.includes("\x03")) process.kill(process.pid, "SIGINT");
    if (answer.includes("\x03") || deviceAttributes(answer) !== null) resolve();
  };
  stdin.setRawMode(true); // or the answer would be shown, and wait for a newline
  stdin.on("data", hear);
  stdin.resume();
  stderr.write(QUESTION);
  try {
    await heard;
  } finally {
    clearTimeout(timer);
    stdin.off("data", hear);
    stdin.pause();
    stdin.setRawMode(wasRaw);
  }
  return answer;
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let settle: (() => void) | undefined;
  const promise = new Promise<void>((resolve) => (settle = resolve));
  return { promise, resolve: () => settle?.() };
}
