import { isUtf8 } from "node:buffer";
import { readPictureFile } from "../../image/source.ts";
import type { PictureJob } from "../job.ts";

/** A file's name as text, where it is text; else its bytes. */
export type FileName = string | Buffer;

/** @param bytes as the system has them */
export function fileName(bytes: Uint8Array): FileName {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(name) ? name.toString("utf8") : name;
}

/** What records and messages call a file: bytes that are no text are shown as U+FFFD. */
export function fileLabel(name: FileName): string {
  return name.toString();
}

/** What a job has of a file. */
export function fileInput(name: FileName): Pick<PictureJob, "label" | "input"> {
  const label = fileLabel(name);
  if (typeof name === "string") return { label, input: name };
  return { label, input: { read: async () => (await readPictureFile(name, label)).bytes } };
}
