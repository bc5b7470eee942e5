import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Plugin } from "rolldown";
import type { Argument, Command, Option } from "commander";
import { createProgram } from "../src/cli/program.ts";
import { VERSION } from "../src/core/version.ts";

export const MAN_FILE = "dist/man/flashsloth.1";

/** The man page, from the same table as help and completion. */
export function writeManPage(): Plugin {
  return {
    name: "the man page",
    async writeBundle() {
      await mkdir(dirname(resolve(MAN_FILE)), { recursive: true });
      await writeFile(resolve(MAN_FILE), manPage(createProgram({ print: () => {} }), VERSION));
    },
  };
}

/** A page of section 1 in the `man` macros, of every command that help shows. */
export function manPage(program: Command, version: string): string {
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const parts = commands.flatMap((command) => [
    `.SS ${roff(`flashsloth ${command.name()} ${command.usage()}`)}`,
    ...roff(command.description())
      .split("\n")
      .flatMap((line) => [line, ".br"])
      .slice(0, -1),
    ...help.visibleArguments(command).flatMap(argumentLines),
    ...help.visibleOptions(command).flatMap(optionLines),
  ]);
  return `${[
    `.TH FLASHSLOTH 1 "" "flashsloth ${version}" "User Commands"`,
    ".SH NAME",
    `flashsloth \\- ${roff(lowered(program.description()))}`,
    ".SH SYNOPSIS",
    ...commands.flatMap((command) => [".B flashsloth", roff(`${command.name()} ${command.usage()}`), ".br"]),
    ".SH COMMANDS",
    ...parts,
    ".SH EXIT STATUS",
    ...STATUSES.flatMap(([status, meaning]) => [".TP", `.B ${status}`, roff(meaning)]),
    ".SH ENVIRONMENT",
    ...VARIABLES.flatMap(([name, meaning]) => [".TP", `.B ${roff(name)}`, roff(meaning)]),
  ].join("\n")}\n`;
}

const STATUSES = [
  ["0", "every picture was answered"],
  ["1", "it failed"],
  ["2", "wrong usage"],
  ["3", "some pictures failed, others were answered"],
  ["4", "the model is not on this disk, and may not or cannot be fetched"],
  ["130, 143", "interrupted by Ctrl-C, by SIGTERM"],
] as const;

const VARIABLES = [
  [
    "FLASHSLOTH_HOME",
    "where models and caches are; else $XDG_CACHE_HOME/flashsloth, or the platform's cache folder",
  ],
  ["HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_CACHE", "as the Hugging Face tools have them"],
  ["HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "for what is fetched"],
  ["NO_COLOR, FORCE_COLOR", "colours of messages"],
] as const;

function argumentLines(argument: Argument): string[] {
  return [
    ".TP",
    `.I ${roff(argument.name())}`,
    roff(described(argument.description, argument.argChoices, argument.defaultValue)),
  ];
}

function optionLines(option: Option): string[] {
  return [
    ".TP",
    `.B ${roff(option.flags)}`,
    roff(described(option.description, option.argChoices, option.negate ? undefined : option.defaultValue)),
  ];
}

function described(text: string, choices: readonly string[] | undefined, value: unknown): string {
  const shown = [
    ...(choices === undefined ? [] : [`one of ${choices.join(", ")}`]),
    ...(value === undefined || value === false
      ? []
      : [`default ${typeof value === "string" ? value : JSON.stringify(value)}`]),
  ];
  return shown.length === 0 ? text : `${text} (${shown.join("; ")})`;
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}

/** Text in which nothing means anything to roff. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^(?=[.'])/gm, "\\&");
}
