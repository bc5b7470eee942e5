import { InvalidArgumentError, Option, type Command } from "commander";
import type { AttentionLayer } from "../../engine/api.ts";
import { filled, wholeNumber } from "../values.ts";

/** Where the model looked, and where that is shown. */
export interface ExplainFlags {
  readonly explain?: string;
  readonly explainLayer?: AttentionLayer;
  readonly explainQuery?: number;
  readonly explainJson?: string;
}

/** The options that show where the model looked. */
export function explainOptions(command: Command): Command {
  return command
    .option(
      "--explain <file|dir|->",
      "draw where the model looked: as PNG, into a folder for several answers; - draws on the terminal",
      filled("a file, a folder or -"),
    )
    .addOption(
      new Option(
        "--explain-layer <layer>",
        "whose attention: EmbQ's, by the question, or the pooling's (default: embq)",
      ).choices(["embq", "sap"] satisfies AttentionLayer[]),
    )
    .option(
      "--explain-query <n>",
      "one of EmbQ's queries, from 1 on (default: their mean)",
      wholeNumber(1, 1e6),
    )
    .option("--explain-json <file>", "write the attention itself to a file, an answer a line", jsonFile);
}

function jsonFile(text: string): string {
  if (text === "-") throw new InvalidArgumentError("expected a file: standard output has the answers");
  return filled("a file")(text);
}
