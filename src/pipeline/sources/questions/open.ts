import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FlashSlothError, messageOf } from "../../../core/errors.ts";
import type { Job, JobSource, Question } from "../../job.ts";
import type { Input } from "../bytes/input.ts";
import { addressed, type NamedPicture } from "../named.ts";
import type { PictureFetcher } from "../../../addresses/fetch.ts";
import { rowReader, type RowReader } from "./form.ts";
import { textLines, type Line } from "./lines.ts";
import { BadRow, lineError, type Row } from "./row.ts";

/** A record of a CSV may go on for so many lines: a quotation mark that is never closed shall not swallow the file. */
const MOST_LINES = 1000;

export interface QuestionsFileOptions {
  /** The file; closed with the jobs. */
  readonly input: Input;
  /** Asked about a picture whose row has no question. @default such a row is an error */
  readonly questions?: readonly Question[] | undefined;
  /**
   * The folder that names of pictures begin in. @default the working folder; for the metadata of an imagefolder, that of
   * the file
   */
  readonly imageDirectory?: string | undefined;
  /** What fetches the pictures of http(s) URLs. */
  readonly fetcher: PictureFetcher;
}

/**
 * Jobs of a questions file, one a row, each as soon as its line is there. The first line tells the file's form. A row that
 * cannot be read is a job that failed.
 * @throws `usage` where the first line is of no form; by the iteration, where the file cannot be read on
 */
export async function openQuestions(options: QuestionsFileOptions): Promise<JobSource> {
  const { input } = options;
  const lines = textLines(input);
  try {
    const first = await lines.next();
    if (first.done === true) throw new FlashSlothError("usage", `${input.name} is empty: it asks nothing`);
    if ("bad" in first.value) throw lineError(input.name, first.value.number, first.value.bad, "usage");
    const reader = rowReader(first.value.text, input.name);
    const { form } = reader;
    return {
      list: true,
      form,
      close: () => input.close(),
      [Symbol.asyncIterator]: () =>
        readJobs(withFirst(reader.header ? undefined : first.value, lines), reader, options),
    };
  } catch (error) {
    input.close();
    throw error;
  }
}

async function* withFirst(first: Line | void, rest: AsyncIterable<Line>): AsyncGenerator<Line, void, void> {
  if (first !== undefined) yield first;
  yield* rest;
}

async function* readJobs(
  lines: AsyncIterable<Line>,
  reader: RowReader,
  options: QuestionsFileOptions,
): AsyncGenerator<Job, void, void> {
  const { name } = options.input;
  let begun: { readonly number: number; readonly text: string; readonly lines: number } | undefined;
  for await (const line of lines) {
    const number = begun?.number ?? line.number;
    try {
      if ("bad" in line) throw line.bad;
      const text: string = begun === undefined ? line.text : `${begun.text}\n${line.text}`;
      const row = reader.read(text);
      if (row !== undefined) {
        begun = undefined;
        yield rowJob(row, reader, options);
        continue;
      }
      const length: number = (begun?.lines ?? 0) + 1;
      if (length >= MOST_LINES) throw notClosed();
      begun = { number, text, lines: length };
    } catch (error) {
      begun = undefined;
      yield badJob(name, number, error);
    }
  }
  if (begun !== undefined) yield badJob(name, begun.number, notClosed());
}

function notClosed(): BadRow {
  return new BadRow("a quotation mark is not closed", 'inside of quotation marks, write "" for one');
}

/** @throws BadRow where there is nothing to ask */
function rowJob(row: Row, reader: RowReader, options: QuestionsFileOptions): Job {
  const { id, image, question, ask } = row;
  const usual = options.questions ?? [];
  if (question === undefined && usual.length === 0) {
    throw new BadRow("no question", "give one for rows without a question of their own: -q", row);
  }
  const asked = question === undefined ? usual : [{ text: question }];
  const questions = ask === undefined ? asked : asked.map((each) => ({ ...each, ask }));
  return { ...(id !== undefined && { id }), ...pictureOf(image, reader, options), questions };
}

/** The picture that a row names, by that name. */
function pictureOf(
  image: string,
  { form }: RowReader,
  { input, imageDirectory, fetcher }: QuestionsFileOptions,
): NamedPicture {
  const address = addressed(image, fetcher);
  if (address !== undefined) return address;
  if (/^file:/i.test(image)) return { label: image, input: pathOf(image) };
  const folder = imageDirectory ?? (form === "imagefolder" ? input.directory : undefined);
  return { label: image, input: folder === undefined || isAbsolute(image) ? image : join(folder, image) };
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new BadRow(`${url} names no file: ${messageOf(error)}`, "write file:///folder/a.jpg");
  }
}

function badJob(file: string, number: number, error: unknown): Job {
  if (!(error instanceof BadRow)) throw error;
  const { id, image, question = "" } = error.known;
  return {
    ...(id !== undefined && { id }),
    label: image ?? `${file}:${number}`,
    error: lineError(file, number, error),
    questions: [{ text: question }],
  };
}
