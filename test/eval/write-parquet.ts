import type { SchemaElement } from "hyparquet";
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer";

/** What a column of a made Parquet file holds: texts, 64-bit numbers, doubles, lists of texts, pictures as Hugging Face stores them, structs. */
export type Column =
  | { readonly texts: readonly (string | null)[] }
  | { readonly numbers: readonly number[] }
  | { readonly doubles: readonly (number | null)[] }
  | { readonly lists: readonly (readonly string[] | null)[] }
  | { readonly pictures: readonly (Uint8Array | null)[] }
  | { readonly pictureLists: readonly (readonly Uint8Array[])[] }
  | { readonly fields: Readonly<Record<string, Column>> };

const TEXT = { type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" } as const;

function picture(bytes: Uint8Array | null): { bytes: Uint8Array; path: string } | null {
  return bytes === null ? null : { bytes, path: "a.png" };
}

function pictureElements(name: string): SchemaElement[] {
  return [
    { name, num_children: 2, repetition_type: "OPTIONAL" },
    { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
    { name: "path", ...TEXT },
  ];
}

function list(name: string, element: readonly SchemaElement[]): SchemaElement[] {
  return [
    { name, num_children: 1, converted_type: "LIST", repetition_type: "OPTIONAL" },
    { name: "list", num_children: 1, repetition_type: "REPEATED" },
    ...element,
  ];
}

function columnOf(
  name: string,
  column: Column,
): { readonly schema: SchemaElement[]; readonly source: ColumnSource } {
  if ("texts" in column) {
    return { schema: [{ name, ...TEXT }], source: { name, data: [...column.texts] } };
  }
  if ("numbers" in column) {
    const data = column.numbers.map(BigInt);
    return { schema: [{ name, type: "INT64", repetition_type: "OPTIONAL" }], source: { name, data } };
  }
  if ("doubles" in column) {
    const schema: SchemaElement[] = [{ name, type: "DOUBLE", repetition_type: "OPTIONAL" }];
    return { schema, source: { name, data: [...column.doubles] } };
  }
  if ("fields" in column) {
    const made = Object.entries(column.fields).map(([field, each]) => columnOf(field, each));
    const [first] = made;
    const data = Array.from(first?.source.data ?? [], (_, row) =>
      Object.fromEntries(made.map(({ source }) => [source.name, source.data[row]])),
    );
    const struct: SchemaElement = { name, num_children: made.length, repetition_type: "OPTIONAL" };
    return { schema: [struct, ...made.flatMap(({ schema }) => schema)], source: { name, data } };
  }
  if ("lists" in column) {
    const schema = list(name, [{ name: "element", ...TEXT }]);
    return { schema, source: { name, data: column.lists.map((texts) => texts && [...texts]) } };
  }
  if ("pictures" in column) {
    return { schema: pictureElements(name), source: { name, data: column.pictures.map(picture) } };
  }
  const data = column.pictureLists.map((pictures) => pictures.map(picture));
  return { schema: list(name, pictureElements("element")), source: { name, data } };
}

export interface ParquetOptions {
  /** @default 2 */
  readonly rowGroupSize?: number;
}

/** A Parquet file with these columns, laid out as Hugging Face's `datasets` does it. */
export function parquet(columns: Readonly<Record<string, Column>>, options: ParquetOptions = {}): Uint8Array {
  const made = Object.entries(columns).map(([name, column]) => columnOf(name, column));
  const buffer = parquetWriteBuffer({
    columnData: made.map(({ source }) => source),
    schema: [{ name: "root", num_children: made.length }, ...made.flatMap(({ schema }) => schema)],
    rowGroupSize: options.rowGroupSize ?? 2,
    statistics: false,
  });
  return new Uint8Array(buffer);
}
