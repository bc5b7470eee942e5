/** Entries that the hammering processes use, and their cache's bound: half of what all entries take. */
export const HAMMER_KEYS = 24;
export const HAMMERED_BYTES = 400_000;

/** What stands under a key: 8 to 58 KB that no other key has. */
export function entryValue(part: number): Uint8Array {
  const value = new Uint8Array(8_000 + ((part * 7_919) % 50_000));
  for (let i = 0; i < value.length; i++) value[i] = Math.imul(i + 1, part * 2 + 1) >>> 3;
  return value;
}
