import sharp from "sharp";

export const FORMS = ["circle", "square", "triangle", "star", "cross", "ring"] as const;
export type Form = (typeof FORMS)[number];

/** The middle of what the drawings have of each colour, which vary around it. */
const COLOURS = {
  red: [214, 34, 38],
  orange: [255, 130, 20],
  yellow: [245, 215, 40],
  green: [38, 150, 46],
  blue: [30, 80, 205],
  purple: [135, 62, 180],
  black: [18, 16, 18],
  gray: [128, 128, 128],
} as const;
export type Colour = keyof typeof COLOURS;

/** One shape of a drawing. */
export interface DrawnShape {
  readonly form: Form;
  readonly colour: Colour;
  /** its pixels, by number, row by row */
  readonly pixels: readonly number[];
}

export interface SeenDrawing {
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly DrawnShape[];
}

/** How far a pixel is from the background, in RGB, when it is of a shape; shading and JPEG stay below. */
const FOREGROUND = 60;
/** A component that takes a smaller share of the picture is an artefact of compression. */
const SPECK = 0.0015;

/** Finds the shapes of a drawing by their pixels: connected, on a background of one colour. */
export async function seeShapes(file: string): Promise<SeenDrawing> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const rgb = (at: number): number[] => [...data.subarray(at * 3, at * 3 + 3)];
  const border: number[] = [];
  for (let x = 0; x < width; x++) border.push(x, (height - 1) * width + x);
  for (let y = 0; y < height; y++) border.push(y * width, y * width + width - 1);
  const background = middle(border.map((at) => rgb(at)));
  const [red = 0, green = 0, blue = 0] = background;
  const isShape = Array.from({ length: width * height }, (_, at) => {
    const [r = 0, g = 0, b = 0] = [data[at * 3], data[at * 3 + 1], data[at * 3 + 2]];
    return (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2 > FOREGROUND ** 2;
  });
  const parts = (wanted: boolean): number[][] => connected({ width, height, of: isShape, wanted });
  const holes = parts(false).filter(
    (part) => part.length > SPECK * width * height && !part.some((at) => onBorder(at, width, height)),
  );
  const shapes = parts(true)
    .filter((part) => part.length > SPECK * width * height)
    .map((pixels): DrawnShape => {
      const inside = new Set(pixels);
      const hollow = holes.some(([first = 0]) => inside.has(first - width));
      return {
        form: formOf(pixels, width, hollow),
        colour: colourOf(middle(pixels.map((at) => rgb(at)))),
        pixels,
      };
    });
  return { width, height, shapes };
}

function onBorder(at: number, width: number, height: number): boolean {
  const x = at % width;
  const y = (at - x) / width;
  return x === 0 || y === 0 || x === width - 1 || y === height - 1;
}

/** The median of each channel. */
function middle(colours: readonly (readonly number[])[]): number[] {
  return [0, 1, 2].map((channel) => {
    const values = colours.map((colour) => colour[channel] ?? 0).toSorted((a, b) => a - b);
    return values[Math.floor(values.length / 2)] ?? 0;
  });
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((value, at) => value - (b[at] ?? 0)));
}

function colourOf(rgb: readonly number[]): Colour {
  const names = Object.keys(COLOURS) as Colour[];
  return names.reduce((best, name) =>
    distance(rgb, COLOURS[name]) < distance(rgb, COLOURS[best]) ? name : best,
  );
}

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly of: readonly boolean[];
  readonly wanted: boolean;
}

/** Parts of a plane that hang together by their pixels' sides; the first of each is its topmost, leftmost. */
function connected({ width, height, of, wanted }: Plane): number[][] {
  const seen = new Uint8Array(width * height);
  const parts: number[][] = [];
  for (let start = 0; start < of.length; start++) {
    if (seen[start] === 1 || of[start] !== wanted) continue;
    seen[start] = 1;
    const part = [start];
    for (let next = 0; next < part.length; next++) {
      const at = part[next] ?? 0;
      const x = at % width;
      const beside = [x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1, at - width, at + width];
      for (const other of beside) {
        if (other < 0 || other >= of.length || seen[other] === 1 || of[other] !== wanted) continue;
        seen[other] = 1;
        part.push(other);
      }
    }
    parts.push(part);
  }
  return parts;
}

/** Circle, square and triangle fill their hull, and more or less of the circle around them; a cross fills more of its hull than a star. */
function formOf(pixels: readonly number[], width: number, hollow: boolean): Form {
  if (hollow) return "ring";
  const points = pixels.map((at): Point => [at % width, Math.floor(at / width)]);
  const corners = points.flatMap(([x, y]): Point[] => [
    [x, y],
    [x + 1, y],
    [x, y + 1],
    [x + 1, y + 1],
  ]);
  const filled = pixels.length / hullArea(corners);
  if (filled < 0.85) return filled < 0.62 ? "star" : "cross";
  const [cx, cy] = [0, 1].map(
    (axis) => points.reduce((sum, point) => sum + (point[axis] ?? 0) + 0.5, 0) / points.length,
  );
  const radius = Math.max(...corners.map(([x, y]) => Math.hypot(x - (cx ?? 0), y - (cy ?? 0))));
  const round = pixels.length / (Math.PI * radius ** 2);
  return round > 0.8 ? "circle" : round > 0.51 ? "square" : "triangle";
}

type Point = readonly [number, number];

/** Area of the convex hull (Andrew's monotone chain). */
function hullArea(points: readonly Point[]): number {
  const sorted = points.toSorted(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const chain = (each: readonly Point[]): Point[] => {
    const hull: Point[] = [];
    for (const point of each) {
      for (;;) {
        const [a, b] = hull.slice(-2);
        if (a === undefined || b === undefined || turn(a, b, point) > 0) break;
        hull.pop();
      }
      hull.push(point);
    }
    return hull.slice(0, -1);
  };
  const hull = [...chain(sorted), ...chain(sorted.toReversed())];
  const twice = hull.reduce((sum, [x, y], at) => {
    const [nx, ny] = hull[(at + 1) % hull.length] ?? [0, 0];
    return sum + x * ny - nx * y;
  }, 0);
  return Math.abs(twice) / 2;
}

function turn([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}
