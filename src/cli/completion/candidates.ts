import type { Command } from "commander";
import { placeOf, type Place } from "./words.ts";

/** Something that may be typed, and what it means. */
export interface Candidate {
  readonly text: string;
  /** @default it says enough itself */
  readonly meaning?: string | undefined;
}

/** What may stand where the cursor is. */
export interface Candidates {
  readonly candidates: readonly Candidate[];
  /** Which models' names may stand there. @default none */
  readonly models?: "known" | "installed" | undefined;
  /** Which of the file system's names may stand there. */
  readonly paths: "files" | "folders" | "none";
  /** As far as it is typed, and what stands before it in the same word. */
  readonly current: string;
  readonly prefix: string;
}

/**
 * What may follow, by the table that also makes the help: choices, and what an option or an argument calls its value.
 * @param words a command line without its first word; the last word is being typed, and may be empty
 */
export function candidatesFor(program: Command, words: readonly string[]): Candidates {
  const place = placeOf(program, words);
  const { command, option, argument, current, prefix } = place;
  const common = { current, prefix };
  if (option !== undefined) {
    const [, value = ""] = /[<[]([^\]>]*)[\]>]/.exec(option.flags) ?? [];
    const names = [...value.split("|"), option.attributeName()];
    return { ...common, ...named(names, option.argChoices, "known") };
  }
  if (place.options && current.startsWith("-"))
    return { ...common, candidates: optionsOf(place), paths: "none" };
  if (command === program) return { ...common, candidates: commandsOf(program), paths: "none" };
  if (argument === undefined) return { ...common, candidates: [], paths: "none" };
  // what must be given is a model that is there; what has a default can be fetched
  const models = argument.required ? "installed" : "known";
  const names = argument.name().split(/[-|]/);
  return { ...common, ...named(names, argument.argChoices, models) };
}

/** @param names what help calls the value */
function named(
  names: readonly string[],
  choices: readonly string[] | undefined,
  models: "known" | "installed",
): Pick<Candidates, "candidates" | "models" | "paths"> {
  const has = (...words: readonly string[]): boolean => words.some((word) => names.includes(word));
  return {
    candidates: (choices ?? []).map((text) => ({ text })),
    models: has("model", "repo") ? models : undefined,
    paths: has("file", "image", "path", "words") ? "files" : has("dir") ? "folders" : "none",
  };
}

function commandsOf(program: Command): Candidate[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({ text: command.name(), meaning: command.summary() }));
}

/** The long names, or the short one where there is no other. */
function optionsOf({ command }: Place): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({ text: option.long ?? option.short ?? option.flags, meaning: option.description }));
}
