import type { Raster } from "./raster.ts";
import type { Colour } from "./scale.ts";

/**
 * Letters of 5 x 8 dots, as character displays have them: five columns each, the lowest bit on top. A font of the system may be
 * missing, and would look otherwise on every machine.
 */
const GLYPHS: Readonly<Record<string, string>> = {
  " ": "0000000000",
  "%": "2313086462",
  "(": "001c224100",
  ")": "0041221c00",
  ",": "0080703000",
  "-": "0808080808",
  ".": "0000606000",
  "/": "2010080402",
  "0": "3e5149453e",
  "1": "00427f4000",
  "2": "7249494946",
  "3": "2141494d33",
  "4": "1814127f10",
  "5": "2745454539",
  "6": "3c4a494931",
  "7": "4121110907",
  "8": "3649494936",
  "9": "464949291e",
  ":": "0000140000",
  ";": "0040340000",
  A: "7c1211127c",
  E: "7f49494941",
  P: "7f09090906",
  Q: "3e4151215e",
  S: "2649494932",
  a: "2054547840",
  b: "7f28444438",
  c: "3844444428",
  d: "384444287f",
  e: "3854545418",
  f: "00087e0902",
  g: "18a4a49c78",
  h: "7f08040478",
  i: "00447d4000",
  j: "2040403d00",
  k: "7f10284400",
  l: "00417f4000",
  m: "7c04780478",
  n: "7c08040478",
  o: "3844444438",
  p: "fc18242418",
  q: "18242418fc",
  r: "7c08040408",
  s: "4854545424",
  t: "04043f4424",
  u: "3c4040207c",
  v: "1c2040201c",
  w: "3c4030403c",
  x: "4428102844",
  y: "4c9090907c",
  z: "4464544c44",
};

const COLUMNS = 5;
const ROWS = 8;
/** Pixels of a dot. */
const DOT = 2;
/** Pixels from one letter to the next, and of a line. */
const ADVANCE = (COLUMNS + 1) * DOT;
export const LINE_HEIGHT: number = (ROWS + 2) * DOT;

/** Pixels that a line of text is wide. */
export function textWidth(text: string): number {
  return Math.max(0, text.length * ADVANCE - DOT);
}

/** Writes a line whose top left corner is at (x, y). A character that there is no glyph for is left blank. */
export function write(raster: Raster, text: string, x: number, y: number, colour: Colour): void {
  for (let index = 0; index < text.length; index++) {
    const glyph = GLYPHS[text.charAt(index)] ?? "";
    for (let column = 0; column < COLUMNS; column++) {
      const dots = Number.parseInt(glyph.slice(column * 2, column * 2 + 2) || "0", 16);
      for (let row = 0; row < ROWS; row++) {
        if ((dots & (1 << row)) === 0) continue;
        raster.rectangle(x + index * ADVANCE + column * DOT, y + row * DOT, DOT, DOT, colour);
      }
    }
  }
}
