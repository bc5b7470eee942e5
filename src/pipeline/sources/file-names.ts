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

/** What records and messages call a file: a byte that is no text is shown as `\xff`, so that no two names look the same. */
export function fileLabel(name: FileName): string {
  if (typeof name === "string") return name;
  let label = "";
  for (let at = 0; at < name.byteLength;) {
    const character = [1, 2, 3, 4]
      .map((length) => name.subarray(at, at + length))
      .find((bytes) => isUtf8(bytes));
    label += character?.toString() ?? `\\x${name.toString("hex", at, at + 1)}`;
    at += character?.byteLength ?? 1;
  }
  return label;
}

/** What a job has of a file. */
export function fileInput(name: FileName): Pick<PictureJob, "label" | "input"> {
  const label = fileLabel(name);
  if (typeof name === "string") return { label, input: name };
  return { label, input: { read: async () => (await readPictureFile(name, label)).bytes } };
}
