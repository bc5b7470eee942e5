import * as v from "valibot";
import { FlashSlothError } from "../../core/errors.ts";
import type { ReadOptions, Sample } from "../task.ts";
import type { DataFolder, Need } from "./folder.ts";
import { checked } from "./lines.ts";
import { ParquetFile, rowName, shortRowName } from "./parquet.ts";

/** A picture as Hugging Face's data sets hold it: its file's bytes. */
export const pictureSchema: v.GenericSchema<unknown, { readonly bytes: Uint8Array }> = v.object(
  { bytes: v.instance(Uint8Array) },
  "no picture",
);

export interface ParquetSamplesOptions<T> {
  readonly need: Need;
  /** What is read of a row besides its picture; the columns are the schema's. */
  readonly schema: v.ObjectSchema<v.ObjectEntries, undefined> & v.GenericSchema<unknown, T>;
  /** The column with the picture, or with a list of one; several where each sample names its own. */
  readonly picture: string | readonly string[];
  /**
   * The sample that a row is; undefined for one that does not belong to the task.
   * @param number of the row among all, from 0
   */
  readonly sample: (row: T, number: number) => RowSample | undefined;
}

/** What a row says of its sample. */
export interface RowSample extends Pick<Sample, "id" | "prompt" | "truth" | "problem"> {
  /** @default the file's name and the row's number in it, where no two files are called alike */
  readonly name?: string;
  /** The column of its picture. @default the first */
  readonly column?: string;
}

/** The samples of Parquet files that have a picture in each row. @throws `usage` */
export async function* parquetSamples<T>(
  data: DataFolder,
  options: ParquetSamplesOptions<T>,
  { pictures }: ReadOptions,
): AsyncGenerator<Sample, void, void> {
  const { need, schema, picture, sample: sampleOf } = options;
  const columns = typeof picture === "string" ? [picture] : picture;
  const texts = Object.keys(schema.entries);
  let number = 0;
  for (const path of await data.locateAll(need)) {
    const file = await ParquetFile.open(path, [...texts, ...columns]);
    for (const group of file.groups) {
      const rows = await file.read(group, pictures ? [...texts, ...columns] : texts);
      for (const [index, row] of rows.entries()) {
        const at = group.start + index;
        const image = rowName(file, at);
        const sample = sampleOf(checked(row, schema, image), number++);
        if (sample === undefined) continue;
        const { column = columns[0] ?? "", name = shortRowName(file, at), ...asked } = sample;
        const bytes = pictures ? pictureIn(row[column], image) : new Uint8Array();
        yield { ...asked, image, name, picture: bytes };
      }
    }
  }
}

/** The bytes of a cell, in memory of their own: the rest of its group can go. */
export function pictureIn(cell: unknown, image: string): Uint8Array | FlashSlothError {
  const parsed = v.safeParse(pictureSchema, Array.isArray(cell) ? cell[0] : cell);
  if (parsed.success) return parsed.output.bytes.slice();
  return new FlashSlothError("image-not-found", `${image} has no picture`);
}
