import { open, opendir, stat, type FileHandle } from "node:fs/promises";
import { join, relative } from "node:path";
import { FlashSlothError } from "../../core/errors.ts";
import { HEAD_BYTES, sniff } from "../../image/sniff.ts";
import { pathError } from "../../image/source.ts";
import { fileLabel, fileName, type FileName } from "./file-names.ts";

/** A picture in a folder, or why a file or a folder in it could not be looked at. */
export type Found = Seen | Unseen;

interface Seen {
  readonly path: FileName;
  /** its path inside the folder, as text */
  readonly name: string;
}

interface Unseen extends Seen {
  readonly error: FlashSlothError;
  /** Whether it is a folder, and all that it holds. */
  readonly everything: boolean;
}

export interface FolderOptions {
  readonly folder: FileName;
  /** Look into folders inside folders. @default false */
  readonly recursive?: boolean | undefined;
  /** Whether a file is of interest, by its path inside the folder; others are not opened. @default every one is */
  readonly wanted?: ((name: string) => boolean) | undefined;
  /** Whether a file is a picture, by its content. @default what opens it by its path, following links */
  readonly isPicture?: ((path: FileName) => Promise<boolean>) | undefined;
}

/**
 * A folder's pictures, recognised by their content and in the order of the bytes of their paths; hidden files are left
 * out, links to folders are not followed. Names are read and sorted a folder at a time, and a file is opened only when it is
 * its turn.
 * @throws `image-not-found` at the end when there was none, wanted or not; the system's own error where the folder cannot be read
 */
export async function* folderPictures(options: FolderOptions): AsyncGenerator<Found, void, void> {
  const { recursive = false, wanted, isPicture = isPictureFile } = options;
  const top = Buffer.from(options.folder).toString("latin1");
  const first = await list(top, recursive);
  let { skippedFolders } = first;
  let found = 0;
  let unwanted = false;
  const levels: Level[] = [{ folder: top, marks: first.marks, next: 0, opened: new Map() }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const mark = level.marks[level.next++];
    if (mark === undefined) {
      levels.pop();
      continue;
    }
    const name = mark.replace(/[\0/]$/, "");
    const path = join(level.folder, name);
    const picture = fileName(bytesOf(path));
    const inside = fileLabel(fileName(bytesOf(relative(top, path))));
    try {
      if (mark.endsWith(OPENS)) {
        level.opened.set(name, (await list(path, true)).marks);
      } else if (mark.endsWith(HOLDS)) {
        const marks = level.opened.get(name);
        level.opened.delete(name);
        if (marks !== undefined) levels.push({ folder: path, marks, next: 0, opened: new Map() });
      } else if (wanted?.(inside) === false) {
        unwanted = true;
      } else if (await isPicture(picture)) {
        found++;
        yield { path: picture, name: inside };
      }
    } catch (error) {
      found++;
      yield {
        path: picture,
        name: inside,
        error: pathError(fileLabel(picture), error),
        everything: mark.endsWith(OPENS),
      };
    }
  }
  if (found > 0 || unwanted) return;
  throw new FlashSlothError("image-not-found", `no pictures in the folder ${fileLabel(options.folder)}`, {
    hint: skippedFolders ? "add -r to look into the folders inside it" : undefined,
  });
}

/**
 * A folder stands twice among the names that it is sorted with: as itself, where it is opened (and complained about), and
 * with a slash, as in the paths of what it holds: `a.png` comes before `a/b.png`. Neither sign can be part of a name.
 */
const OPENS = "\0";
const HOLDS = "/";

/**
 * A folder on the way down to the file in hand. All names in it are bytes, each a character of Latin-1: they need not be UTF-8,
 * and sort as they are.
 */
interface Level {
  readonly folder: string;
  readonly marks: readonly string[];
  next: number;
  /** what the folders in it hold, from when they are opened until they are entered */
  readonly opened: Map<string, readonly string[]>;
}

async function list(
  folder: string,
  recursive: boolean,
): Promise<{ marks: string[]; skippedFolders: boolean }> {
  const marks: string[] = [];
  let skippedFolders = false;
  for await (const child of await opendir(bytesOf(folder), { bufferSize: 1024, encoding: "latin1" })) {
    const { name } = child;
    if (name.startsWith(".")) continue;
    if (child.isDirectory()) {
      if (recursive) marks.push(name + OPENS, name + HOLDS);
      else skippedFolders = true;
    } else if (child.isFile() || child.isSymbolicLink()) {
      marks.push(name);
    }
  }
  return { marks: marks.sort(), skippedFolders };
}

function bytesOf(latin1: string): Buffer {
  return Buffer.from(latin1, "latin1");
}

/** Formats that we know and cannot decode count too: a folder of raw photos shall say so, not look empty. */
export async function isPictureFile(path: FileName): Promise<boolean> {
  const target = await stat(path);
  if (!target.isFile()) return false;
  const handle = await open(path, "r");
  try {
    return await isOpenPicture(handle);
  } finally {
    await handle.close();
  }
}

/** As `isPictureFile`, of a file that is open, and stays so. */
export async function isOpenPicture(handle: FileHandle): Promise<boolean> {
  if (!(await handle.stat()).isFile()) return false;
  const head = new Uint8Array(HEAD_BYTES);
  const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
  return sniff(head.subarray(0, bytesRead))?.picture ?? false;
}
