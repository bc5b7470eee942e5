import { InvalidArgumentError, Option, type Command } from "commander";
import { FORMATS, type Format } from "../../pipeline/printers/printer.ts";
import { filled } from "../values.ts";

/** Where answers go, in which form, and what becomes of those that are there. */
export interface AnswersFlags {
  readonly format?: Format;
  readonly json?: boolean;
  readonly output?: string;
  readonly sidecar?: string;
  readonly resume?: boolean;
  readonly force?: boolean;
  readonly failFast?: boolean;
}

/** The options that say where answers go. */
export function answersOptions(command: Command): Command {
  return command
    .addOption(new Option("--format <form>", "the form of the answers (default: text)").choices(FORMATS))
    .option("--json", "print one JSON object a line: --format jsonl")
    .option("-o, --output <file>", "write the answers to a file", filled("a file"))
    .option("--sidecar <ext>", "write each answer beside its picture: photo.txt for .txt", sidecarExtension)
    .option("--resume", "keep what the file of -o holds, and ask only what is not answered in it")
    .option("--force", "with --resume: though other options were given; with --sidecar: write anew")
    .option("--fail-fast", "stop at the first picture that fails");
}

/** A sidecar with a picture's name could be taken for one, or be one. */
const PICTURE_EXTENSION = /^\.(jpe?g|png|webp|avif|gif|tiff?|svg|heic|heif|bmp)$/i;

/** `.txt`, also from `txt`. */
function sidecarExtension(text: string): string {
  const extension = text.startsWith(".") ? text : `.${text}`;
  // oxlint-disable-next-line no-control-regex -- they have no place in a file's name
  if (!/^(\.[^./\\\u0000-\u001f]+)+$/.test(extension)) {
    throw new InvalidArgumentError("expected the end of a file's name, like .txt");
  }
  if (PICTURE_EXTENSION.test(extension)) {
    throw new InvalidArgumentError("pictures are called that, and none shall be written over");
  }
  return extension;
}
