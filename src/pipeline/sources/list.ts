import { FlashSlothError } from "../../core/errors.ts";
import type { Job, JobSource } from "../job.ts";
import type { Input } from "./bytes/input.ts";
import { pieces, type Piece } from "./bytes/pieces.ts";
import { fileName } from "./file-names.ts";
import { namedJobs, type NamedOptions } from "./named.ts";

/** No system takes a path of more than 32 KiB (Windows), and no server a longer URL. */
const LONGEST_NAME = 64 * 1024;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface ListOptions extends NamedOptions {
  /** Where the names come from; closed with the jobs. */
  readonly input: Input;
  /** NUL ends a name, which may then hold anything else. @default a newline does */
  readonly nul?: boolean | undefined;
}

/**
 * Jobs of a list of names, each as soon as its name is there: files, folders, http(s) URLs. Names are taken as they are, `-`
 * too; empty ones are left out.
 * @throws `usage`, by the iteration, where the list cannot be read on, or has NUL in a line
 */
export function listJobs(options: ListOptions): JobSource {
  const { input } = options;
  return {
    list: true,
    close: () => input.close(),
    [Symbol.asyncIterator]: () => readNames(options),
  };
}

async function* readNames(options: ListOptions): AsyncGenerator<Job, void, void> {
  const { input, nul = false, questions } = options;
  for await (const piece of pieces(input.bytes, { separator: nul ? 0 : NEWLINE, longest: LONGEST_NAME })) {
    const name = nul ? piece.bytes : lineOf(piece, input.name);
    if (name === undefined) {
      const label = `${input.name}:${piece.number}`;
      yield { label, error: tooLong(input.name, piece.number, nul), questions };
    } else if (name.byteLength > 0) {
      yield* namedJobs(fileName(name), options);
    }
  }
}

/** A line without what Windows puts at its end, or at the beginning of its files. */
function lineOf({ number, bytes }: Piece, list: string): Uint8Array | undefined {
  if (bytes?.includes(0) === true) {
    throw new FlashSlothError("usage", `${list}:${number}: a NUL character, which is in no name`, {
      hint: "names that are separated by NUL, as find -print0 writes them, need -0",
    });
  }
  const from = number === 1 && startsWithMark(bytes) ? 3 : 0;
  const to = bytes?.at(-1) === CARRIAGE_RETURN ? -1 : undefined;
  return bytes?.subarray(from, to);
}

function startsWithMark(bytes: Uint8Array | undefined): boolean {
  return bytes?.[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function tooLong(list: string, number: number, nul: boolean): FlashSlothError {
  const message = `${list}:${number}: more than ${LONGEST_NAME} bytes, too long for a name`;
  return new FlashSlothError("image-not-found", message, {
    hint: nul
      ? "-0 is for names that are separated by NUL, as find -print0 writes them"
      : "names that are separated by NUL, as find -print0 writes them, need -0",
  });
}
