import { Command } from "commander";
import { VERSION } from "../core/version.ts";
import { addAsk } from "./commands/ask.ts";
import { addBench } from "./commands/bench.ts";
import { addCache } from "./commands/cache.ts";
import { addChat } from "./commands/chat.ts";
import { addComplete } from "./commands/complete.ts";
import { addCompletion } from "./commands/completion.ts";
import { addConvert } from "./commands/convert.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEval } from "./commands/eval.ts";
import { addGrep } from "./commands/grep.ts";
import { addInspect } from "./commands/inspect.ts";
import { addList } from "./commands/list.ts";
import { addMcp } from "./commands/mcp.ts";
import { addPull } from "./commands/pull.ts";
import { addRemove } from "./commands/remove.ts";
import { addServe } from "./commands/serve.ts";
import { addVerify } from "./commands/verify.ts";

/** A command is two files: `commands/NAME.ts` is what it is called, and imports `NAME.ts`, what it does, when it runs. */
const COMMANDS = [
  addAsk,
  addGrep,
  addChat,
  addServe,
  addMcp,
  addPull,
  addInspect,
  addList,
  addRemove,
  addVerify,
  addConvert,
  addBench,
  addEval,
  addDoctor,
  addCache,
  addCompletion,
  addComplete,
] as const;

export interface ProgramOptions {
  /** Takes what goes to standard output: help and the version. */
  readonly print: (text: string) => void;
}

/** The command line. A mistake throws commander's `CommanderError` and prints nothing. */
export function createProgram(options: ProgramOptions): Command {
  const program = new Command("flashsloth")
    .description("Ask a question about a picture, on this machine.")
    .version(VERSION, "-V, --version", "print the version")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: options.print, outputError: () => {}, writeErr: () => {} })
    .configureHelp({ helpWidth: Math.min(process.stdout.columns || 100, 110) });
  for (const add of COMMANDS) add(program); // subcommands inherit the settings above
  return program;
}
