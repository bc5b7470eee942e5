import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const DEMO: string = fileURLToPath(new URL("../../src/store/demo/checkpoint/", import.meta.url));

export interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
export type Header = Record<string, HeaderEntry>;

/** A copy of the demo checkpoint that a test may damage. */
export class DemoCopy implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<DemoCopy> {
    const directory = await mkdtemp(join(tmpdir(), "flashsloth-checkpoint-"));
    await cp(DEMO, directory, { recursive: true });
    return new DemoCopy(directory);
  }

  path(file: string): string {
    return join(this.directory, file);
  }

  /** Rewrites a JSON file by changing its value in place. */
  async editJson(file: string, edit: (json: Record<string, unknown>) => void): Promise<void> {
    const json = JSON.parse(await readFile(this.path(file), "utf8")) as Record<string, unknown>;
    edit(json);
    await writeFile(this.path(file), JSON.stringify(json));
  }

  /** Rewrites the tensors' header; ranges are laid out anew from the shapes. What has as many bytes as before keeps them, else it is zeros. */
  async editTensors(edit: (header: Header) => void): Promise<void> {
    const file = this.path("model.safetensors");
    const bytes = await readFile(file);
    const length = Number(bytes.readBigUInt64LE(0));
    const data = bytes.subarray(8 + length);
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Header;
    const before = structuredClone(header);
    edit(header);
    let offset = 0;
    const pieces: Uint8Array[] = [];
    for (const [name, entry] of Object.entries(header)) {
      if (name === "__metadata__") continue;
      const width = { F16: 2, BF16: 2, F32: 4, I64: 8 }[entry.dtype] ?? 1;
      const size = entry.shape.reduce((product, axis) => product * axis, width);
      const [begin, end] = before[name]?.data_offsets ?? [0, 0];
      pieces.push(end - begin === size ? data.subarray(begin, end) : new Uint8Array(size));
      entry.data_offsets = [offset, offset + size];
      offset += size;
    }
    const text = Buffer.from(JSON.stringify(header), "utf8");
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(text.byteLength));
    await writeFile(file, Buffer.concat([prefix, text, ...pieces]));
  }

  /** Rewrites tensors as another type with the same values, or nearly: `convert` is given and gives little-endian bytes. */
  async retype(
    dtype: string,
    picked: (name: string) => boolean,
    convert: (bytes: Uint8Array) => Uint8Array,
  ): Promise<void> {
    const file = this.path("model.safetensors");
    const bytes = await readFile(file);
    const length = Number(bytes.readBigUInt64LE(0));
    const data = bytes.subarray(8 + length);
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Header;
    const entries: [string, HeaderEntry][] = [];
    const pieces: Uint8Array[] = [];
    let offset = 0;
    for (const [name, entry] of Object.entries(header)) {
      if (name === "__metadata__") continue;
      const own = data.subarray(...entry.data_offsets);
      const piece = picked(name) ? convert(own) : own;
      pieces.push(piece);
      const type = picked(name) ? dtype : entry.dtype;
      entries.push([
        name,
        { dtype: type, shape: entry.shape, data_offsets: [offset, offset + piece.byteLength] },
      ]);
      offset += piece.byteLength;
    }
    await writeFile(file, tensorFile(entries, Buffer.concat(pieces)));
  }

  /** Moves tensors, with their data, out of `model.safetensors` into another file of the folder, under new names. */
  async moveTensors(to: string, rename: (name: string) => string | undefined): Promise<void> {
    const file = this.path("model.safetensors");
    const bytes = await readFile(file);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Header;
    const [kept, moved]: [[string, HeaderEntry][], [string, HeaderEntry][]] = [[], []];
    for (const [name, entry] of Object.entries(header)) {
      const moves = name === "__metadata__" ? undefined : rename(name);
      if (moves !== undefined) moved.push([moves, entry]);
      else if (name !== "__metadata__") kept.push([name, entry]);
    }
    const data = bytes.subarray(8 + length);
    await writeFile(file, tensorFile(kept, data));
    await writeFile(this.path(to), tensorFile(moved, data));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}

/** A safetensors file of some tensors of another one. */
export function tensorFile(entries: readonly (readonly [string, HeaderEntry])[], data: Uint8Array): Buffer {
  let offset = 0;
  const pieces: Uint8Array[] = [];
  const header: Header = {};
  for (const [
    name,
    {
      data_offsets: [begin, end],
      ...entry
    },
  ] of entries) {
    header[name] = { ...entry, data_offsets: [offset, offset + end - begin] };
    pieces.push(data.subarray(begin, end));
    offset += end - begin;
  }
  const text = Buffer.from(JSON.stringify(header), "utf8");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.byteLength));
  return Buffer.concat([length, text, ...pieces]);
}

/** An entry for a tensor to add or change. */
export function float16(...shape: number[]): HeaderEntry {
  return { dtype: "F16", shape, data_offsets: [0, 0] };
}
