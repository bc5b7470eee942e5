/** Fixed-point bits of a weight: a product with 8 bits and its sign then stay inside 32. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);
/** Bicubic reaches two pixels to each side. */
const SUPPORT = 2;
const CHANNELS = 3;
/** A picture that is more than this many times as high as wide is shrunk in height first (as Pillow does). */
const NARROW = 100;

/** Keys' cubic with a = -0.5 (Keys 1981), as Pillow's BICUBIC. */
function bicubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** For each output position: which inputs it sums, and with which fixed-point weights. */
export interface Weights {
  /** first input of each output, [outputs] */
  readonly first: Int32Array;
  /** how many inputs follow it, [outputs] */
  readonly count: Int32Array;
  /** [outputs, stride]; a row's first `count` are used */
  readonly values: Int32Array;
  readonly stride: number;
}

/** Weights that bring `inputs` samples to `outputs`; when shrinking, the kernel widens by the ratio (antialiasing). */
export function bicubicWeights(inputs: number, outputs: number): Weights {
  const scale = inputs / outputs;
  const widening = Math.max(1, scale);
  const support = SUPPORT * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const values = new Int32Array(outputs * stride);
  const row = new Float64Array(stride);
  for (let out = 0; out < outputs; out++) {
    const centre = (out + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const taps = Math.min(inputs, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = bicubic((tap + start - centre + 0.5) * (1 / widening));
      row[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) {
      const weight = ((row[tap] ?? 0) / sum) * (1 << PRECISION_BITS);
      values[out * stride + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[out] = start;
    count[out] = taps;
  }
  return { first, count, values, stride };
}

/** A picture lying on a larger canvas of one grey. */
export interface Canvas {
  /** uint8 [height, width, 3] */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly canvasWidth: number;
  readonly canvasHeight: number;
  /** where the picture's top left corner lies on the canvas */
  readonly left: number;
  readonly top: number;
  /** 0 to 255, all three channels */
  readonly grey: number;
}

/**
 * Resizes as Pillow's `resize(size, BICUBIC)`, bit for bit: rows first, rounded to 8 bits, then columns. No intermediate
 * picture is kept: of the resized rows, only those that the next output row sums.
 * @returns uint8 [outHeight, outWidth, 3]
 */
export function resample(canvas: Canvas, outWidth: number, outHeight: number): Uint8Array {
  const { width, height, canvasWidth, canvasHeight, left, top, grey } = canvas;
  if (canvasHeight > NARROW * canvasWidth && outHeight < canvasHeight && outWidth !== canvasWidth) {
    return resample(wholeCanvas(resample(canvas, canvasWidth, outHeight), canvasWidth), outWidth, outHeight);
  }
  const across = bicubicWeights(canvasWidth, outWidth);
  const down = bicubicWeights(canvasHeight, outHeight);
  const samples = outWidth * CHANNELS;
  const row = new Uint8Array(canvasWidth * CHANNELS).fill(grey);
  /** the last resized rows, the one at `y` in place `y % stride` */
  const lines = Array.from({ length: down.stride }, () => new Uint8Array(samples));
  const sums = new Int32Array(samples);
  const resized = new Uint8Array(outHeight * samples);
  let next = top; // the first row of the picture that is not resized yet
  for (let out = 0; out < outHeight; out++) {
    const first = down.first[out] ?? 0;
    const from = Math.max(first, top);
    const to = Math.min(first + (down.count[out] ?? 0), top + height);
    for (; next < to; next++) {
      const start = (next - top) * width * CHANNELS;
      row.set(canvas.pixels.subarray(start, start + width * CHANNELS), left * CHANNELS);
      resampleRow(row, across, lines[next % down.stride] ?? row);
    }
    sums.fill(startOf(out, down, canvas));
    sumRows(sums, lines, { from, to, weights: down.values, at: out * down.stride - first });
    for (let i = 0; i < samples; i++) {
      resized[out * samples + i] = clip((sums[i] as number) >> PRECISION_BITS);
    }
  }
  return resized;
}

/** A canvas that is all picture. @param pixels uint8 [height, width, 3] */
export function wholeCanvas(pixels: Uint8Array, width: number): Canvas {
  const height = pixels.length / (width * CHANNELS);
  return { pixels, width, height, canvasWidth: width, canvasHeight: height, left: 0, top: 0, grey: 0 };
}

/** What an output row starts with: half a unit, and what the canvas above and below the picture adds. */
function startOf(out: number, down: Weights, { top, height, grey }: Canvas): number {
  const first = down.first[out] ?? 0;
  let start = HALF;
  for (let tap = 0; tap < (down.count[out] ?? 0); tap++) {
    const y = first + tap;
    // a row of one grey stays that grey through the first pass
    if (y < top || y >= top + height) start += grey * (down.values[out * down.stride + tap] ?? 0);
  }
  return start;
}

/** `| 0` keeps every sum a 32-bit integer for the compiler too, and two taps a round are faster than one. */
function resampleRow(row: Uint8Array, across: Weights, line: Uint8Array): void {
  const { first, count, values, stride } = across;
  for (let out = 0; out < first.length; out++) {
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    let at = Math.imul(first[out] as number, CHANNELS);
    let tap = Math.imul(out, stride);
    const end = (tap + (count[out] as number)) | 0;
    for (; tap + 1 < end; tap += 2) {
      const one = values[tap] as number;
      const two = values[tap + 1] as number;
      red = (red + Math.imul(row[at] as number, one) + Math.imul(row[at + 3] as number, two)) | 0;
      green = (green + Math.imul(row[at + 1] as number, one) + Math.imul(row[at + 4] as number, two)) | 0;
      blue = (blue + Math.imul(row[at + 2] as number, one) + Math.imul(row[at + 5] as number, two)) | 0;
      at = (at + 2 * CHANNELS) | 0;
    }
    if (tap < end) {
      const weight = values[tap] as number;
      red = (red + Math.imul(row[at] as number, weight)) | 0;
      green = (green + Math.imul(row[at + 1] as number, weight)) | 0;
      blue = (blue + Math.imul(row[at + 2] as number, weight)) | 0;
    }
    const to = out * CHANNELS;
    line[to] = clip(red >> PRECISION_BITS);
    line[to + 1] = clip(green >> PRECISION_BITS);
    line[to + 2] = clip(blue >> PRECISION_BITS);
  }
}

interface Taps {
  /** rows to be summed */
  readonly from: number;
  readonly to: number;
  readonly weights: Int32Array;
  /** where the weight of row 0 would stand */
  readonly at: number;
}

/** Adds weighted rows, four at a time: the sums are then read and written a quarter as often. */
function sumRows(sums: Int32Array, lines: readonly Uint8Array[], { from, to, weights, at }: Taps): void {
  const line = (y: number): Uint8Array => lines[y % lines.length] as Uint8Array;
  let y = from;
  for (; y + 4 <= to; y += 4) {
    addFour(sums, [line(y), line(y + 1), line(y + 2), line(y + 3)], weights.subarray(at + y, at + y + 4));
  }
  for (; y < to; y++) addRow(sums, line(y), weights[at + y] as number);
}

function addFour(
  sums: Int32Array,
  [a, b, c, d]: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array],
  weights: Int32Array,
): void {
  const [wa, wb, wc, wd] = [weights[0] ?? 0, weights[1] ?? 0, weights[2] ?? 0, weights[3] ?? 0];
  for (let i = 0; i < sums.length; i++) {
    sums[i] =
      ((sums[i] as number) +
        Math.imul(a[i] as number, wa) +
        Math.imul(b[i] as number, wb) +
        Math.imul(c[i] as number, wc) +
        Math.imul(d[i] as number, wd)) |
      0;
  }
}

function addRow(sums: Int32Array, line: Uint8Array, weight: number): void {
  for (let i = 0; i < sums.length; i++) {
    sums[i] = ((sums[i] as number) + Math.imul(line[i] as number, weight)) | 0;
  }
}

function clip(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
