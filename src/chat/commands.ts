export type CommandName = "image" | "clear" | "save" | "explain" | "help" | "exit";

/** What a slash command is called, takes and means: help, completion and reading go by this table. */
export interface SlashCommand {
  readonly name: CommandName;
  /** Other names, which help does not show. @default none */
  readonly aliases?: readonly string[];
  /** What follows the name. @default nothing may */
  readonly argument?: {
    /** as help shows it */
    readonly name: string;
    /** Which files' names go on from what is typed. */
    readonly completes: "pictures" | "files";
  };
  readonly meaning: string;
}

export const COMMANDS: readonly SlashCommand[] = [
  {
    name: "image",
    aliases: ["img", "picture"],
    argument: { name: "FILE", completes: "pictures" },
    meaning: "look at another picture: a file or a URL",
  },
  {
    name: "clear",
    aliases: ["reset"],
    meaning: "forget what was said, and go on with the same picture",
  },
  {
    name: "save",
    argument: { name: "FILE", completes: "files" },
    meaning: "write down all that was said, as Markdown, or as JSON in a file that ends with .json",
  },
  {
    name: "explain",
    argument: { name: "[FILE]", completes: "files" },
    meaning: "show where the model looked for the last answer, or draw it into a PNG file",
  },
  { name: "help", aliases: ["?"], meaning: "show this" },
  { name: "exit", aliases: ["quit", "bye"], meaning: "leave, as Ctrl-D does" },
];

/** The command of a name or an alias, in whatever case. */
export function commandNamed(name: string): SlashCommand | undefined {
  const wanted = name.toLowerCase();
  return COMMANDS.find((command) => command.name === wanted || command.aliases?.includes(wanted) === true);
}

/** A line for each command: `/image FILE  look at …` */
export function commandsHelp(): string[] {
  const rows = COMMANDS.map((command) => {
    const usage = command.argument === undefined ? "" : ` ${command.argument.name}`;
    return { usage: `/${command.name}${usage}`, meaning: command.meaning };
  });
  const width = Math.max(...rows.map(({ usage }) => usage.length));
  return rows.map(({ usage, meaning }) => `${usage.padEnd(width)}  ${meaning}`);
}
