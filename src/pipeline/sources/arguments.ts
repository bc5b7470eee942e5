import { FlashSlothError } from "../../core/errors.ts";
import { pathError } from "../../image/source.ts";
import type { Job } from "../job.ts";
import { namedJobs, type NamedOptions } from "./named.ts";
import { PictureFetcher } from "../../addresses/fetch.ts";
import { readPictureBytes } from "./stdin.ts";

export interface ArgumentsOptions extends Omit<NamedOptions, "fetcher"> {
  /** Files, folders, http(s) URLs, and `-` for a picture's bytes on standard input. */
  readonly arguments: readonly string[];
  /** What fetches the pictures of URLs. @default one of its own */
  readonly fetcher?: PictureFetcher | undefined;
  /** What `-` reads. @default process.stdin */
  readonly stdin?: AsyncIterable<Uint8Array | string> | undefined;
}

/**
 * Turns image arguments into jobs, in the order given; a folder stands for its pictures. Nothing is decoded yet: a named file
 * may still turn out to be no picture.
 */
export async function* argumentJobs(options: ArgumentsOptions): AsyncGenerator<Job, void, void> {
  const { questions, recursive, wanted, stdin = process.stdin, fetcher = new PictureFetcher() } = options;
  let stdinTaken = false;
  for (const argument of options.arguments) {
    if (argument !== "-") {
      yield* namedJobs(argument, { questions, recursive, wanted, fetcher });
      continue;
    }
    try {
      if (stdinTaken) throw new FlashSlothError("usage", "- names standard input, which can be read once");
      stdinTaken = true;
      yield { label: "-", input: await readPictureBytes(stdin), questions };
    } catch (error) {
      yield { label: "-", error: pathError("-", error), questions };
    }
  }
}
