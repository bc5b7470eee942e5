/** An array is cut into so many pieces, each known by its norm and by so many sums with signs. */
const PIECES = 64;
const SUMS = 4;
const NUMBERS = 1 + SUMS;

/**
 * A few numbers that stand for an array: of each of 64 pieces the L2 norm, and four sums of its values with signs that look
 * random (AMS and Johnson-Lindenstrauss: the square of such a sum's change is on average the square of the change's norm). Every
 * value takes part, so that a single row that is wrong is seen; what differs cannot be told from it, but by how much.
 * @returns float32 [64, 5], little-endian, in base64
 */
export function sketch(values: Float32Array): string {
  const numbers = new Float64Array(PIECES * NUMBERS);
  let state = 0x9e37_79b9;
  for (const [index, value] of values.entries()) {
    const at = Math.floor((index * PIECES) / values.length) * NUMBERS;
    // xorshift32 (Marsaglia)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    numbers[at] = (numbers[at] ?? 0) + value * value;
    for (let sum = 1; sum <= SUMS; sum++) {
      numbers[at + sum] = (numbers[at + sum] ?? 0) + (((state >>> (7 * sum)) & 1) === 0 ? value : -value);
    }
  }
  const bytes = new DataView(new ArrayBuffer(numbers.length * 4));
  for (const [index, number] of numbers.entries()) {
    bytes.setFloat32(index * 4, index % NUMBERS === 0 ? Math.sqrt(number) : number, true);
  }
  return Buffer.from(bytes.buffer).toString("base64");
}

/**
 * About |array - reference| / |reference| in the L2 norm, of two arrays of one length by their sketches.
 * @returns NaN when one of them is no sketch, or stands for an array with values that are no numbers
 */
export function sketchError(actual: string, reference: string): number {
  const [there, here] = [numbersOf(reference), numbersOf(actual)];
  if (there === undefined || here === undefined) return Number.NaN;
  let difference = 0;
  let norm = 0;
  for (const [index, number] of there.entries()) {
    if (index % NUMBERS === 0) norm += number ** 2;
    else difference += (number - (here[index] ?? Number.NaN)) ** 2 / SUMS;
  }
  return Math.sqrt(difference / norm);
}

function numbersOf(text: string): number[] | undefined {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== PIECES * NUMBERS * 4) return undefined;
  return Array.from({ length: PIECES * NUMBERS }, (_, index) => bytes.readFloatLE(index * 4));
}
