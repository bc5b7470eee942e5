import type { Colour } from "./scale.ts";

/** Pixels that are drawn on. */
export class Raster {
  readonly width: number;
  readonly height: number;
  /** uint8 [height, width, 3] */
  readonly pixels: Uint8Array;

  constructor(width: number, height: number, fill: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(width * height * 3).fill(fill);
  }

  /** What lies outside is not drawn. */
  set(x: number, y: number, colour: Colour): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    this.pixels.set(colour, (y * this.width + x) * 3);
  }

  rectangle(x: number, y: number, width: number, height: number, colour: Colour): void {
    for (let row = y; row < y + height; row++) {
      for (let column = x; column < x + width; column++) this.set(column, row, colour);
    }
  }

  /** Puts another raster on this one. */
  place(other: Raster, x: number, y: number): void {
    for (let row = 0; row < other.height; row++) {
      const line = other.pixels.subarray(row * other.width * 3, (row + 1) * other.width * 3);
      this.pixels.set(line, ((y + row) * this.width + x) * 3);
    }
  }
}
