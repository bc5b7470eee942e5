import { open, rename, rm, stat, truncate, type FileHandle } from "node:fs/promises";
import { FlashSlothError } from "../../core/errors.ts";
import { onDisk, syncFile } from "../../core/files/disk.ts";
import type { Printer, WrittenRow } from "../printers/printer.ts";
import { Ledger } from "./ledger.ts";
import { wholeRows, type Row } from "./rows.ts";
import { differences, type Settings } from "./settings.ts";

export interface TakeOverOptions {
  /** A regular file. */
  readonly path: string;
  /** The form of its rows. */
  readonly printer: Printer;
  /** What this run's answers depend on. @default unknown: nothing is compared */
  readonly settings?: Settings | undefined;
  /** Go on with other settings, and with rows that cannot be compared, or are none and go. @default false */
  readonly force?: boolean | undefined;
}

/**
 * Reads what an earlier run wrote and makes the file fit to be gone on with: a last row that was cut off goes, and so do rows
 * without an answer, whose questions are asked again. Until then the file stays as it is.
 * @throws `usage` for rows of another form or other settings, `disk`
 */
export async function takeOver(options: TakeOverOptions): Promise<Ledger> {
  const { path, printer, force = false } = options;
  const { rereads, header } = printer;
  if (rereads === undefined) {
    throw new FlashSlothError("usage", "--resume needs a form of answers that says what they are about", {
      hint: "add --format jsonl (or csv, llava, openai)",
    });
  }
  const ledger = new Ledger();
  const kept = new Ranges();
  let number = 0;
  for await (const row of wholeRows(path, rereads.quoted)) {
    number++;
    const isHeader = header !== undefined && `${row.text}\n` === header;
    const written = isHeader ? undefined : rereads.read(row.text);
    if (isHeader) {
      if (number === 1) kept.add(row);
    } else if (written === undefined) {
      if (!force) throw notOurs(path, number);
    } else if (!written.failed) {
      if (!force) compare(options, written, number);
      ledger.add(written);
      kept.add(row);
    }
  }
  await onDisk(path, kept.apply(path));
  return ledger;
}

function notOurs(path: string, number: number): FlashSlothError {
  return new FlashSlothError("usage", `line ${number} of ${path} is no answer in this form`, {
    hint: "give the --format that the file was written in; --force leaves such lines out",
  });
}

/** @throws `usage` when the row's answer was given otherwise than this run's will be */
function compare(options: TakeOverOptions, { stamp }: WrittenRow, number: number): void {
  const { path, settings } = options;
  if (stamp === undefined) {
    throw new FlashSlothError("usage", `line ${number} of ${path} does not say how its answer was given`, {
      hint: "answers are written with that by -o; --force takes it for one of this run's",
    });
  }
  const changed = settings === undefined ? [] : differences(stamp.settings, settings);
  if (changed.length === 0) return;
  throw new FlashSlothError(
    "usage",
    `the answers in ${path} were given with other options: ${changed.join("; ")}`,
    { hint: "give the same ones, name another file, or go on in that file all the same with --force" },
  );
}

const COPIED_BYTES = 1024 * 1024;

/** Appends the bytes from `start` up to `end`. */
async function copy(
  from: FileHandle,
  to: FileHandle,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<void> {
  const piece = Buffer.alloc(Math.min(COPIED_BYTES, end - start));
  for (let at = start; at < end;) {
    const { bytesRead } = await from.read(piece, 0, Math.min(piece.byteLength, end - at), at);
    if (bytesRead === 0) return;
    await to.appendFile(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** Which bytes of a file stay. */
class Ranges {
  readonly #ranges: { readonly start: number; end: number }[] = [];

  add({ start, end }: Row): void {
    const last = this.#ranges.at(-1);
    if (last?.end === start) last.end = end;
    else this.#ranges.push({ start, end });
  }

  async apply(path: string): Promise<void> {
    const [first] = this.#ranges;
    if (first === undefined || (this.#ranges.length === 1 && first.start === 0)) {
      await truncate(path, first?.end ?? 0);
    } else {
      await this.#rewrite(path);
    }
  }

  /** Beside, then in its place: a kill leaves one or the other. */
  async #rewrite(path: string): Promise<void> {
    const beside = `${path}.${process.pid}.tmp`;
    const { mode } = await stat(path);
    const from = await open(path, "r");
    try {
      const to = await open(beside, "w");
      try {
        await to.chmod(mode);
        for (const { start, end } of this.#ranges) {
          await copy(from, to, { start, end });
        }
      } finally {
        await to.close();
      }
      await syncFile(beside);
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    } finally {
      await from.close();
    }
  }
}
