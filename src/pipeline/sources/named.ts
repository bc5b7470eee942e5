import { stat } from "node:fs/promises";
import { pathError } from "../../image/source.ts";
import type { BadJob, Job, PictureJob, Question } from "../job.ts";
import { dataUriBytes, dataUriLabel, isDataUri } from "../../addresses/data-uri.ts";
import { fileInput, fileLabel, type FileName } from "./file-names.ts";
import { folderPictures, type FolderOptions } from "./folder.ts";
import { isHttpUrl, type PictureFetcher } from "../../addresses/fetch.ts";

export interface NamedOptions {
  /** Asked about each picture. */
  readonly questions: readonly Question[];
  /** Look into folders inside folders. @default false */
  readonly recursive?: boolean | undefined;
  /** Whether a file of a folder is of interest, by its path inside it; others are not opened. @default every one is */
  readonly wanted?: FolderOptions["wanted"];
  /** What fetches the pictures of http(s) URLs. */
  readonly fetcher: PictureFetcher;
}

/** The jobs that a name stands for: a file's or a URL's own, a folder's pictures. */
export async function* namedJobs(name: FileName, options: NamedOptions): AsyncGenerator<Job, void, void> {
  const { questions, recursive, wanted, fetcher } = options;
  const address = typeof name === "string" ? addressed(name, fetcher) : undefined;
  if (address !== undefined) {
    yield { ...address, questions };
    return;
  }
  try {
    if ((await stat(name)).isDirectory()) {
      for await (const { path, ...found } of folderPictures({ folder: name, recursive, wanted })) {
        if ("error" in found) yield { label: fileLabel(path), questions, ...found };
        else yield { ...fileInput(path), ...found, questions };
      }
    } else {
      yield { ...fileInput(name), questions };
    }
  } catch (error) {
    const label = fileLabel(name);
    yield { label, error: pathError(label, error), everything: true, questions };
  }
}

/** A job less what is asked. */
export type NamedPicture = Pick<PictureJob, "label" | "input"> | Pick<BadJob, "label" | "error">;

/** What a job has of an http(s) URL or a data URI. @returns undefined for any other name */
export function addressed(name: string, fetcher: PictureFetcher): NamedPicture | undefined {
  if (isHttpUrl(name)) {
    return { label: name, input: { read: async (signal) => fetcher.fetch(name, signal) } };
  }
  if (!isDataUri(name)) return undefined;
  const label = dataUriLabel(name);
  try {
    return { label, input: dataUriBytes(name) };
  } catch (error) {
    return { label, error: pathError(label, error) };
  }
}
