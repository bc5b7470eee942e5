import { fileURLToPath } from "node:url";

export interface PathOptions {
  /** What `~` stands for. */
  readonly home: string;
  /** Whether a backslash is part of a path, and not a shell's escape. */
  readonly windows: boolean;
}

/** An address has quotes and backslashes of its own. */
const URL_WORD = /^(?:file|https?|data):\S+/i;

/** A word of a line, and the line behind it. */
export interface Word {
  readonly text: string;
  readonly rest: string;
}

/**
 * The first word as terminals write the path of a file that is dropped on them: in quotes, or with a backslash before what a
 * shell would take for something else. @returns undefined where there is none, or a quote is not closed
 */
export function firstWord(line: string, { windows }: Pick<PathOptions, "windows">): Word | undefined {
  const [url] = URL_WORD.exec(line) ?? [];
  if (url !== undefined) return { text: url, rest: line.slice(url.length).trim() };
  let text = "";
  let quote = "";
  let at = 0;
  for (; at < line.length; at++) {
    const character = line.charAt(at);
    const next = line.charAt(at + 1);
    // in double quotes a backslash escapes only these
    const escapes = quote === "" || (quote === '"' && '"\\$`'.includes(next));
    if (character === "\\" && !windows && escapes && next !== "") {
      text += next;
      at++;
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else text += character;
    } else if (character === '"' || (character === "'" && !windows)) {
      quote = character;
    } else if (/\s/.test(character)) {
      break;
    } else {
      text += character;
    }
  }
  return quote === "" && text !== "" ? { text, rest: line.slice(at).trim() } : undefined;
}

/** A name as something that can be opened: `~` and `file://` are resolved, everything else stays. */
export function resolved(name: string, { home, windows }: PathOptions): string {
  if (/^file:/i.test(name)) {
    try {
      return fileURLToPath(name, { windows });
    } catch {
      return name; // another machine's, or no path at all: it will not be found by this name
    }
  }
  return /^~(?=$|[/\\])/.test(name) ? home + name.slice(1) : name;
}

/** Whether a name is a URL or the picture itself, which no file system knows. */
export function isAddress(name: string): boolean {
  return /^(https?:\/\/|data:image\/)/i.test(name);
}

/** Whether a name says where something lies: from the root, the home or the working folder on, or by a URL. */
export function isPlaced(name: string): boolean {
  return /^(\/|\.{1,2}[/\\]|~[/\\]|\\\\|[a-z]:[/\\]|file:)/i.test(name) || isAddress(name);
}
