import { Option, type Command } from "commander";
import { eachOf, filled } from "../values.ts";

/** What the form of an answer is to be. */
export interface ConstraintFlags {
  readonly choices?: readonly string[];
  readonly choice?: readonly string[];
  readonly normalize?: "none" | "tokens" | "bytes";
  readonly exactChoices?: boolean;
  readonly jsonSchema?: string;
}

/** The options that say what an answer must be. */
export function constraintOptions(command: Command): Command {
  return command
    .option("--choices <list>", "answer with one of these, separated by commas", splitAtCommas)
    .option("--choice <text>", "answer with one of these; to be repeated", eachOf)
    .addOption(
      new Option(
        "--normalize <by>",
        "compare choices by probability per token or per byte (default: none)",
      ).choices(["none", "tokens", "bytes"]),
    )
    .option("--exact-choices", "take each choice as it is written, not its usual spellings too")
    .addOption(
      new Option("--json-schema <file|json>", "answer with JSON that obeys this schema")
        .argParser(filled("a file or a schema"))
        .conflicts(["choices", "choice"]),
    );
}

function splitAtCommas(text: string): readonly string[] {
  return text.split(",").map((each) => each.trim());
}
