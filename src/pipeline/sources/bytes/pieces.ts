/** A piece of a text, by the number of its line or place, counted from 1. */
export type Piece =
  | { readonly number: number; readonly bytes: Uint8Array }
  /** it is longer than anything that is meant: not read */
  | { readonly number: number; readonly bytes: undefined };

export interface PiecesOptions {
  /** The byte that ends a piece; the last one may go without. */
  readonly separator: number;
  /** Bytes of the longest piece. */
  readonly longest: number;
}

/** Cuts bytes into pieces: each is given as soon as its end is there. Of one that is too long nothing is held. */
export async function* pieces(
  bytes: AsyncIterable<Uint8Array>,
  { separator, longest }: PiecesOptions,
): AsyncGenerator<Piece, void, void> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let number = 1;
  const end = (): Piece => {
    const piece = { number: number++, bytes: length > longest ? undefined : Buffer.concat(parts) };
    parts = [];
    length = 0;
    return piece;
  };
  const add = (part: Uint8Array): void => {
    length += part.byteLength;
    if (length > longest) parts = [];
    else if (part.byteLength > 0) parts.push(part);
  };
  for await (const { buffer, byteOffset, byteLength } of bytes) {
    const chunk = Buffer.from(buffer, byteOffset, byteLength); // searches faster than a plain array
    let from = 0;
    for (let at = chunk.indexOf(separator); at >= 0; at = chunk.indexOf(separator, from)) {
      add(chunk.subarray(from, at));
      yield end();
      from = at + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield end();
}
