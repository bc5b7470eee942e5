import { stat } from "node:fs/promises";
import { FlashSlothError } from "../../core/errors.ts";
import { pathError } from "../../image/source.ts";
import type { Job, Question } from "../job.ts";
import { folderPictures } from "./folder.ts";
import { readPictureBytes } from "./stdin.ts";

export interface ArgumentsOptions {
  /** Files, folders, and `-` for a picture's bytes on standard input. */
  readonly arguments: readonly string[];
  /** Asked about each picture. */
  readonly questions: readonly Question[];
  /** Look into folders inside folders. @default false */
  readonly recursive?: boolean | undefined;
  /** What `-` reads. @default process.stdin */
  readonly stdin?: AsyncIterable<Uint8Array | string> | undefined;
}

/**
 * Turns image arguments into jobs, in the order given; a folder stands for its pictures. Nothing is decoded yet: a named file
 * may still turn out to be no picture.
 */
export async function* argumentJobs(options: ArgumentsOptions): AsyncGenerator<Job, void, void> {
  const { questions, recursive, stdin = process.stdin } = options;
  let stdinTaken = false;
  for (const argument of options.arguments) {
    try {
      if (argument === "-") {
        if (stdinTaken) throw new FlashSlothError("usage", "- names standard input, which can be read once");
        stdinTaken = true;
        yield { label: "-", input: await readPictureBytes(stdin), questions };
      } else if ((await stat(argument)).isDirectory()) {
        for await (const { path, ...rest } of folderPictures({ folder: argument, recursive })) {
          yield { label: path, questions, ...("error" in rest ? rest : { input: path }) };
        }
      } else {
        yield { label: argument, input: argument, questions };
      }
    } catch (error) {
      yield { label: argument, error: pathError(argument, error), questions };
    }
  }
}
