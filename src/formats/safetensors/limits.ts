/** The longest header in bytes that is read into memory: the limit of the format's own library. */
export const MAX_HEADER_BYTES = 100_000_000;

/** More axes than any tensor of a neural network has; a longer shape is a damaged or hostile header. */
export const MAX_RANK = 16;

/** The longest shard index in bytes: as a header, it lists every tensor once. */
export const MAX_INDEX_BYTES = 100_000_000;

/** Shards are all open at once; published checkpoints of hundreds of gigabytes stay under this. */
export const MAX_SHARDS = 1000;

/** What one read from a file can take; the largest published tensor has 262 MB. */
export const MAX_TENSOR_BYTES = 0x7fff_ffff;

/** Characters of a tensor's name shown in a message. */
const SHOWN_NAME = 160;

/** A name out of a file as it may be printed: quoted, control characters escaped, clipped. */
export function showName(name: string): string {
  const clipped = name.length > SHOWN_NAME ? `${name.slice(0, SHOWN_NAME)}…` : name;
  // oxlint-disable-next-line no-control-regex
  return JSON.stringify(clipped).replaceAll(/[\u007f-\u009f\u2028\u2029]/g, "?");
}
