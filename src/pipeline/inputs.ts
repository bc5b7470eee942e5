import type { Dirent } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import { HEAD_BYTES, sniff } from "../image/sniff.ts";
import { MAX_FILE_BYTES, pathError } from "../image/source.ts";

/** One picture to ask about, or why there is none: one bad argument does not stop the others. */
export type PictureEntry =
  | {
      /** What records and messages call it: the path as given, or `-`. */
      readonly label: string;
      /** A path, or the bytes that came from standard input. */
      readonly input: string | Uint8Array;
    }
  | { readonly label: string; readonly error: FlashSlothError };

export interface GatherOptions {
  /** Files, folders, and `-` for a picture's bytes on standard input. */
  readonly arguments: readonly string[];
  /** Look into folders inside folders. @default false */
  readonly recursive?: boolean | undefined;
  /** What `-` reads. @default process.stdin */
  readonly stdin?: AsyncIterable<Uint8Array | string> | undefined;
}

/**
 * Turns image arguments into pictures, in the order given. A folder gives its pictures, recognised by their content and
 * sorted by the bytes of their paths; hidden files are left out, links to folders inside it are not followed. Nothing is
 * decoded yet: a named file may still turn out to be no picture.
 */
export async function gatherPictures(options: GatherOptions): Promise<PictureEntry[]> {
  const entries: PictureEntry[] = [];
  let stdinTaken = false;
  for (const argument of options.arguments) {
    try {
      if (argument === "-") {
        if (stdinTaken) throw new FlashSlothError("usage", "- names standard input, which can be read once");
        stdinTaken = true;
        entries.push({ label: "-", input: await readAll(options.stdin ?? process.stdin) });
      } else {
        entries.push(...(await gatherPath(argument, options.recursive ?? false)));
      }
    } catch (error) {
      entries.push({ label: argument, error: pathError(argument, error) });
    }
  }
  return entries;
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      size += bytes.byteLength;
      if (size > MAX_FILE_BYTES) break;
      chunks.push(bytes);
    }
  } catch (error) {
    throw new FlashSlothError("image-unreadable", `standard input could not be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (size > MAX_FILE_BYTES) {
    throw new FlashSlothError("image-too-large", "standard input goes on for too long to be a picture");
  }
  if (size === 0) {
    throw new FlashSlothError("image-invalid", "standard input is empty", {
      hint: "send a picture's bytes to it: cat photo.jpg | flashsloth ask - QUESTION",
    });
  }
  return new Uint8Array(Buffer.concat(chunks));
}

async function gatherPath(path: string, recursive: boolean): Promise<PictureEntry[]> {
  const target = await stat(path);
  if (!target.isDirectory()) return [{ label: path, input: path }];
  const folder: FolderContent = { entries: [], skippedFolders: false };
  await walk(path, recursive, folder);
  if (folder.entries.length === 0) {
    throw new FlashSlothError("image-not-found", `no pictures in the folder ${path}`, {
      hint: folder.skippedFolders ? "add -r to look into the folders inside it" : undefined,
    });
  }
  return folder.entries.sort((a, b) => Buffer.compare(Buffer.from(a.label), Buffer.from(b.label)));
}

interface FolderContent {
  readonly entries: PictureEntry[];
  skippedFolders: boolean;
}

async function walk(top: string, recursive: boolean, content: FolderContent): Promise<void> {
  const children: Dirent[] = await readdir(top, { withFileTypes: true });
  for (const child of children) {
    if (child.name.startsWith(".")) continue;
    const path = join(top, child.name);
    try {
      if (child.isDirectory()) {
        if (recursive) await walk(path, recursive, content);
        else content.skippedFolders = true;
      } else if (await isPictureFile(path, child)) {
        content.entries.push({ label: path, input: path });
      }
    } catch (error) {
      content.entries.push({ label: path, error: pathError(path, error) });
    }
  }
}

/** Formats that we know and cannot decode count too: a folder of HEIC photos shall say so, not look empty. */
async function isPictureFile(path: string, child: Dirent): Promise<boolean> {
  if (!child.isFile() && !child.isSymbolicLink()) return false;
  const target = await stat(path);
  if (!target.isFile()) return false;
  const handle = await open(path, "r");
  try {
    const head = new Uint8Array(HEAD_BYTES);
    const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
    return sniff(head.subarray(0, bytesRead))?.picture ?? false;
  } finally {
    await handle.close();
  }
}
