const HEADER_BYTES = 13; // signature, screen size, flags, background, aspect
const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const TRANSPARENT_FLAG = 0x01;

/**
 * A GIF whose first frame has no transparent colour, so that those pixels decode to their palette entry. Decoders
 * otherwise make them black, while the published model sees the palette's colour: alpha is dropped, not blended.
 * @param bytes a GIF, whole or damaged; a damaged one comes back as it is
 * @returns a changed copy, or `bytes` where nothing was to change. Format: GIF89a specification, sections 17 to 23.
 */
export function opaqueGif(bytes: Uint8Array): Uint8Array {
  const screenFlags = bytes[10] ?? 0;
  const hasPalette = (screenFlags & 0x80) !== 0;
  let at = HEADER_BYTES + (hasPalette ? 3 * 2 ** ((screenFlags & 7) + 1) : 0);
  while (bytes[at] === EXTENSION) {
    const flagsAt = at + 3;
    if (bytes[at + 1] === GRAPHIC_CONTROL && ((bytes[flagsAt] ?? 0) & TRANSPARENT_FLAG) !== 0) {
      const opaque = bytes.slice();
      opaque[flagsAt] = (bytes[flagsAt] ?? 0) & ~TRANSPARENT_FLAG;
      return opaque;
    }
    at = afterSubBlocks(bytes, at + 2);
  }
  return bytes;
}

/** Sub-blocks are a length byte and that many bytes, until a length of zero. */
function afterSubBlocks(bytes: Uint8Array, start: number): number {
  let at = start;
  let length = bytes[at];
  while (length !== undefined && length !== 0) {
    at += length + 1;
    length = bytes[at];
  }
  return at + 1;
}
