import { closestName } from "../core/closest-name.ts";
import { hasPictureName } from "../image/names.ts";
import { commandNamed, COMMANDS, type CommandName } from "./commands.ts";
import { firstWord, isAddress, isPlaced, resolved, type PathOptions } from "./paths.ts";

/** A picture by its path or address, and what is asked about it in the same line. */
export interface NamedPicture {
  readonly picture: string;
  /** @default nothing is asked yet */
  readonly question?: string | undefined;
}

/** What a person means by a line. */
export type Line =
  | { readonly kind: "nothing" }
  | { readonly kind: "command"; readonly name: CommandName; readonly argument: string }
  | ({ readonly kind: "picture" } & NamedPicture)
  | { readonly kind: "question"; readonly question: string }
  | Mistake;

export interface Mistake {
  readonly kind: "mistake";
  /** Whether a picture was meant. @default false */
  readonly picture?: boolean;
  readonly message: string;
  readonly hint: string;
}

export interface LineOptions extends PathOptions {
  /** Whether there is such a file or folder. */
  exists(path: string): Promise<boolean>;
}

const HELP = "/help lists the commands";

/**
 * Tells what a line is. A command begins with a slash; what names an existing file by a path or by a picture's name is a
 * picture, and what follows it a question about it; everything else is a question.
 */
export async function readLine(line: string, options: LineOptions): Promise<Line> {
  const text = line.trim();
  if (text === "") return { kind: "nothing" };
  const [, name, argument = ""] = /^\/([a-z?]+)(?:\s+(.*))?$/is.exec(text) ?? [];
  const command = name === undefined ? undefined : commandNamed(name);
  if (command !== undefined) {
    if (command.argument !== undefined || argument === "") {
      return { kind: "command", name: command.name, argument: argument.trim() };
    }
    return { kind: "mistake", message: `/${command.name} takes nothing behind it`, hint: HELP };
  }
  const bare = commandNamed(text);
  if (bare !== undefined && bare.argument === undefined) {
    return {
      kind: "mistake",
      message: `${text} is no question`,
      hint: `the command is /${bare.name}; ${HELP}`,
    };
  }
  const found = await findPicture(text, options, (path) => isPlaced(path) || hasPictureName(path));
  if (found !== undefined) return found;
  if (name !== undefined) return unknownCommand(name);
  const word = firstWord(text, options);
  const alone = word?.rest === "";
  if (word !== undefined && (/^(\/|~[/\\]|file:)/i.test(word.text) || (alone && hasPictureName(word.text)))) {
    return noSuchFile(word.text);
  }
  return { kind: "question", question: text };
}

/** Reads what follows `/image`, where anything is meant to be a picture. */
export async function readPicture(argument: string, options: LineOptions): Promise<Line> {
  const found = await findPicture(argument, options, () => true);
  return found ?? noSuchFile(firstWord(argument, options)?.text ?? argument);
}

/** One file's path as it may be written: in quotes, with escapes, or plainly with its spaces. */
export function readPath(argument: string, options: PathOptions): string {
  const word = firstWord(argument, options);
  const quoted = word?.rest === "" && /^["']|\\/.test(argument);
  return resolved(quoted ? word.text : argument, options);
}

async function findPicture(
  text: string,
  options: LineOptions,
  mayBe: (name: string) => boolean,
): Promise<Line | undefined> {
  const isThere = async (name: string): Promise<boolean> =>
    mayBe(name) && (isAddress(name) || (await options.exists(resolved(name, options))));
  // a path may stand there plainly, whatever spaces and quotes are in it
  if (!isAddress(text) && (await isThere(text))) return { kind: "picture", picture: resolved(text, options) };
  const word = firstWord(text, options);
  if (word === undefined || !(await isThere(word.text))) return undefined;
  const picture = resolved(word.text, options);
  if (word.rest === "") return { kind: "picture", picture };
  for (let next = firstWord(word.rest, options); next !== undefined; next = firstWord(next.rest, options)) {
    if (!(isPlaced(next.text) || hasPictureName(next.text)) || !(await isThere(next.text))) {
      return { kind: "picture", picture, question: word.rest };
    }
    if (next.rest !== "") continue;
    return {
      kind: "mistake",
      picture: true,
      message: "these are several pictures, and a conversation is about one at a time",
      hint: "give one of them; flashsloth ask takes many",
    };
  }
  return { kind: "picture", picture, question: word.rest };
}

function unknownCommand(name: string): Mistake {
  const meant = closestName(
    name,
    COMMANDS.map((command) => command.name),
  );
  const hint = meant === undefined ? HELP : `did you mean /${meant}? ${HELP}`;
  return { kind: "mistake", message: `there is no command /${name}`, hint };
}

function noSuchFile(name: string): Mistake {
  const message = `no such file or folder: ${name}`;
  return { kind: "mistake", picture: true, message, hint: "/image FILE takes a picture" };
}
