import type { Argument, Command, Option } from "commander";

/** Where in a command line the cursor is. */
export interface Place {
  readonly command: Command;
  /** The word being typed as far as it has been, or, after `--option=`, what follows. */
  readonly current: string;
  /** `--option=`, where that stands before `current` in the same word. @default "" */
  readonly prefix: string;
  /** The option whose value `current` is. @default none */
  readonly option?: Option | undefined;
  /** The argument that `current` is, where it is no option's value. @default none is expected */
  readonly argument?: Argument | undefined;
  /** Whether a word that begins with a dash is an option: not after `--`. */
  readonly options: boolean;
}

/**
 * Reads a command line up to the cursor as commander would, mistakes included: what it does not know is passed over.
 * @param words all but the first, the last one being typed, perhaps empty
 */
export function placeOf(program: Command, words: readonly string[]): Place {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? "";
  let command = program;
  let positionals = 0;
  let options = true;
  let awaiting: Option | undefined;
  for (const word of before) {
    const option = awaiting === undefined && options ? optionOf(command, word) : undefined;
    if (awaiting !== undefined) awaiting = undefined;
    else if (options && word === "--") options = false;
    else if (option !== undefined) awaiting = option.required && !word.includes("=") ? option : undefined;
    else if (!options || !isDashed(word)) {
      const sub = command === program ? program.commands.find((each) => each.name() === word) : undefined;
      if (sub === undefined) positionals++;
      else command = sub;
    }
  }
  if (awaiting !== undefined) return { command, current: typed, prefix: "", option: awaiting, options };
  const equals = options && typed.startsWith("--") ? typed.indexOf("=") : -1;
  if (equals !== -1) {
    const option = optionOf(command, typed);
    const prefix = typed.slice(0, equals + 1);
    return { command, current: typed.slice(equals + 1), prefix, option, options };
  }
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[positionals] ?? (last?.variadic === true ? last : undefined);
  return { command, current: typed, prefix: "", argument, options };
}

function isDashed(word: string): boolean {
  return word.startsWith("-") && word !== "-";
}

function optionOf(command: Command, word: string): Option | undefined {
  if (!isDashed(word)) return undefined;
  const [name = ""] = word.split("=");
  return command
    .createHelp()
    .visibleOptions(command)
    .find((option) => option.long === name || option.short === name);
}
