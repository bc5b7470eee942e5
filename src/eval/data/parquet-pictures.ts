import type { DeferredPicture } from "../../pipeline/job.ts";
import { pictureIn } from "./parquet-samples.ts";
import { ParquetFile, rowName, type RowGroup } from "./parquet.ts";

/** Groups of rows that are held decoded: questions about a picture seldom stand together. */
const HELD_GROUPS = 6;

interface Place {
  readonly group: RowGroup;
  /** in its group */
  readonly index: number;
}

/** Pictures of Parquet files by their ids, each read when it is asked for. */
export class ParquetPictures {
  readonly #column: string;
  readonly #places: Map<string, Place>;
  readonly #pictures = new Map<string, DeferredPicture>();
  /** the last groups that were asked for, the latest at the end */
  readonly #held = new Map<RowGroup, Promise<readonly Record<string, unknown>[]>>();

  private constructor(column: string, places: Map<string, Place>) {
    this.#column = column;
    this.#places = places;
  }

  /** Reads all ids. @throws `usage` */
  static async open(
    paths: readonly string[],
    columns: { readonly id: string; readonly picture: string },
  ): Promise<ParquetPictures> {
    const places = new Map<string, Place>();
    for (const path of paths) {
      const file = await ParquetFile.open(path, [columns.id, columns.picture]);
      for (const group of file.groups) {
        const rows = await file.read(group, [columns.id]);
        for (const [index, row] of rows.entries()) places.set(String(row[columns.id]), { group, index });
      }
    }
    return new ParquetPictures(columns.picture, places);
  }

  /** The picture of that id, always the same one; undefined where there is none. */
  picture(id: string): DeferredPicture | undefined {
    const place = this.#places.get(id);
    if (place === undefined) return undefined;
    const known = this.#pictures.get(id) ?? { read: async () => this.#read(place) };
    this.#pictures.set(id, known);
    return known;
  }

  async #read({ group, index }: Place): Promise<Uint8Array> {
    const rows = this.#held.get(group) ?? group.file.read(group, [this.#column]);
    this.#held.delete(group);
    this.#held.set(group, rows);
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= HELD_GROUPS) break;
      this.#held.delete(oldest);
    }
    const picture = pictureIn((await rows)[index]?.[this.#column], rowName(group.file, group.start + index));
    if (picture instanceof Error) throw picture;
    return picture;
  }
}
