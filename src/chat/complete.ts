import { hasPictureName } from "../image/names.ts";
import { commandNamed, COMMANDS } from "./commands.ts";
import { firstWord, isPlaced, resolved, type PathOptions } from "./paths.ts";

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

export interface CompleteOptions extends PathOptions {
  /** What a folder holds. @throws where it cannot be read */
  list(folder: string): Promise<readonly FolderEntry[]>;
}

/** What may stand in place of the end of a line. */
export interface Completion {
  /** each begins with `typed` */
  readonly candidates: readonly string[];
  /** the end of the line that they stand for */
  readonly typed: string;
}

/** What may go on from a line: a command's name, or the path of a picture or a file where one belongs. */
export async function completeLine(line: string, options: CompleteOptions): Promise<Completion> {
  const [, name = "", typed = ""] = /^\s*\/([a-z?]+)\s+(.*)$/is.exec(line) ?? [];
  const completes = commandNamed(name)?.argument?.completes;
  if (completes !== undefined) return await completePath(typed, completes, options);
  const commands = COMMANDS.map((command) => {
    return `/${command.name}${command.argument === undefined ? "" : " "}`;
  }).filter((command) => command.startsWith(line));
  if (line.startsWith("/") && commands.length > 0) return { candidates: commands, typed: line };
  const begun = line.trimStart();
  if (!isPlaced(begun.replace(/^["']/, "")) && begun !== "~") return { candidates: [], typed: line };
  return await completePath(begun, "pictures", options, "escaped");
}

/** How a path is written: as it is, with a backslash before what ends a word, or in quotes. */
type Style = "plain" | "escaped" | '"' | "'";

function styleOf(typed: string, usual: Style, windows: boolean): Style {
  const quote = typed.charAt(0);
  if (quote === '"' || (quote === "'" && !windows)) return quote;
  if (windows) return "plain";
  return typed.includes("\\") ? "escaped" : usual;
}

async function completePath(
  typed: string,
  completes: "pictures" | "files",
  options: CompleteOptions,
  usual: Style = "plain",
): Promise<Completion> {
  const style = styleOf(typed, usual, options.windows);
  const path = plainOf(typed, style, options);
  const cut = Math.max(path.lastIndexOf("/"), options.windows ? path.lastIndexOf("\\") : -1) + 1;
  const [folder, begun] = [path.slice(0, cut), path.slice(cut)];
  const entries = await options.list(resolved(folder, options) || ".").catch(() => []);
  // a name that a terminal would obey can be neither shown nor typed
  const fitting = entries.filter(({ name }) => {
    return name.startsWith(begun) && name.startsWith(".") === begun.startsWith(".") && !/\p{Cc}/u.test(name);
  });
  const pictures = fitting.filter(({ name, isFolder }) => isFolder || hasPictureName(name));
  const offered = completes === "pictures" && pictures.length > 0 ? pictures : fitting;
  const candidates = offered
    .map(({ name, isFolder }) => written(folder + name, isFolder, style))
    .filter((candidate) => candidate.startsWith(typed));
  return { candidates: candidates.toSorted(), typed };
}

function plainOf(typed: string, style: Style, options: PathOptions): string {
  if (style === "plain") return typed;
  if (style === "escaped") return firstWord(typed.replace(/\\$/, ""), options)?.text ?? "";
  return firstWord(`${typed}${style}`, options)?.text ?? "";
}

function written(path: string, isFolder: boolean, style: Style): string {
  const end = isFolder ? "/" : "";
  if (style === "plain") return path + end;
  if (style === "escaped") return path.replaceAll(/[\s\\'"]/g, String.raw`\$&`) + end;
  return `${style}${path}${end}${isFolder ? "" : style}`;
}
