import type { RgbPicture } from "../../image/decode.ts";
import { encodePng } from "../../image/png.ts";

/** How a terminal takes pictures. */
export type ImageProtocol = "kitty" | "iterm2" | "sixel";

/** Bytes of base64 in one escape sequence of kitty's protocol, which allows no more. */
const KITTY_CHUNK = 4096;
/** Colours that a sixel picture may have: terminals keep no more. */
const SIXEL_COLOURS = 256;

/** A picture as the escape sequences that draw it where the cursor is, and a newline. @throws `native` when sharp does not load */
export async function terminalImage(picture: RgbPicture, protocol: ImageProtocol): Promise<string> {
  if (protocol === "sixel") {
    const { image2sixel } = await import("sixel");
    const { width, height } = picture;
    return `${image2sixel(withAlpha(picture.pixels), width, height, SIXEL_COLOURS)}\n`;
  }
  const png = await encodePng(picture);
  const base64 = Buffer.from(png).toString("base64");
  if (protocol === "iterm2") return `\x1b]1337;File=inline=1;size=${png.byteLength}:${base64}\x07\n`;
  const chunks = base64.match(new RegExp(`.{1,${KITTY_CHUNK}}`, "g")) ?? [];
  const sent = chunks.map((chunk, index) => {
    const more = index < chunks.length - 1 ? 1 : 0;
    // a: transmit and display, f: PNG, q: no reply, which nobody would read
    const keys = index === 0 ? `a=T,f=100,q=2,m=${more}` : `m=${more}`;
    return `\x1b_G${keys};${chunk}\x1b\\`;
  });
  return `${sent.join("")}\n`;
}

/** @param pixels uint8 [n, 3] @returns uint8 [n, 4] */
function withAlpha(pixels: Uint8Array): Uint8Array {
  const out = new Uint8Array((pixels.length / 3) * 4).fill(255);
  for (let at = 0; at < pixels.length / 3; at++) out.set(pixels.subarray(at * 3, at * 3 + 3), at * 4);
  return out;
}
