/** The shapes and colours that the demo model was taught, and what it calls its backgrounds. */
export const SHAPES = ["circle", "square", "triangle", "star", "cross", "ring"] as const;
export type Shape = (typeof SHAPES)[number];
export const COLOURS = {
  red: [220, 30, 40],
  green: [38, 153, 48],
  blue: [30, 80, 212],
  yellow: [245, 212, 36],
  purple: [134, 58, 180],
  orange: [252, 134, 18],
  gray: [126, 126, 126],
  black: [14, 14, 18],
} as const;
export type Colour = keyof typeof COLOURS;
export const BACKGROUNDS = {
  white: [250, 249, 249],
  pink: [250, 207, 215],
  "light blue": [187, 221, 246],
} as const;
export type Background = keyof typeof BACKGROUNDS;

/** What of the rule is stretched: nothing, shapes smaller and larger, shapes over each other, grounds with a pattern. */
export const VARIATIONS = ["plain", "sizes", "overlaps", "backgrounds"] as const;
export type Variation = (typeof VARIATIONS)[number];

/** A shape in a drawing. Lengths are parts of the drawing's side. */
export interface Drawn {
  readonly shape: Shape;
  readonly colour: Colour;
  readonly x: number;
  readonly y: number;
  /** half of its width */
  readonly radius: number;
  /** degrees, clockwise */
  readonly angle: number;
  /** red, green and blue, 0 to 255: the colour, a little off */
  readonly fill: Rgb;
}

export type Rgb = readonly [number, number, number];

export interface Scene {
  /** of its square, in pixels */
  readonly side: number;
  readonly background: Background;
  readonly ground: Rgb;
  /** A second colour of the ground, in stripes or fading over. @default it is plain */
  readonly pattern?: { readonly kind: "stripes" | "gradient"; readonly colour: Rgb } | undefined;
  readonly shapes: readonly Drawn[];
}

const SIDES = [126, 160, 200, 256, 400] as const;
/** Half of a shape's width, of the drawing's side: as in training, and stretched. */
const RADII = { usual: [0.075, 0.16], stretched: [0.04, 0.28] } as const;
const MOST_SHAPES = 5;
const MOST_TRIES = 60;
/** Of the sum of two radii, how near two shapes may come: as in training, and over each other. */
const DISTANCE = { apart: 1.3, over: 0.75 } as const;

/** Draws numbers, and picks with them. */
export class Dice {
  readonly #next: () => number;

  constructor(next: () => number) {
    this.#next = next;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.#next();
  }

  below(count: number): number {
    return Math.floor(this.#next() * count);
  }

  pick<T>(values: readonly [T, ...T[]] | readonly T[]): T {
    const [first] = values;
    const picked = values[this.below(values.length)] ?? first;
    if (picked === undefined) throw new RangeError("there is nothing to pick from");
    return picked;
  }
}

/**
 * A drawing by the rule of the demo model's training set: one to five shapes in eight colours, turned a little, on one of
 * three grounds, apart from each other. A variation stretches one part of it.
 */
export function makeScene(dice: Dice, variation: Variation): Scene {
  const background = dice.pick(Object.keys(BACKGROUNDS) as Background[]);
  const ground = jittered(dice, BACKGROUNDS[background], 5);
  const [low, high] = variation === "sizes" ? RADII.stretched : RADII.usual;
  const nearest = variation === "overlaps" ? DISTANCE.over : DISTANCE.apart;
  const wanted = variation === "overlaps" ? 2 + dice.below(MOST_SHAPES - 1) : 1 + dice.below(MOST_SHAPES);
  const shapes: Drawn[] = [];
  for (let tries = 0; shapes.length < wanted && tries < MOST_TRIES; tries++) {
    const shape = makeShape(dice, low, high);
    const fits = shapes.every(
      (other) => Math.hypot(other.x - shape.x, other.y - shape.y) >= nearest * (other.radius + shape.radius),
    );
    if (fits) shapes.push(shape);
  }
  const patterned = variation === "backgrounds";
  return {
    side: dice.pick(SIDES),
    background,
    ground,
    ...(patterned && {
      pattern: {
        kind: dice.pick(["stripes", "gradient"] as const),
        colour: shaded(ground, dice.between(0.8, 0.9)),
      },
    }),
    shapes,
  };
}

function makeShape(dice: Dice, low: number, high: number): Drawn {
  const radius = dice.between(low, high);
  const colour = dice.pick(Object.keys(COLOURS) as Colour[]);
  return {
    shape: dice.pick(SHAPES),
    colour,
    x: dice.between(radius * 1.1, 1 - radius * 1.1),
    y: dice.between(radius * 1.1, 1 - radius * 1.1),
    radius,
    angle: dice.between(-15, 15),
    fill: jittered(dice, COLOURS[colour], 10),
  };
}

function shaded([r, g, b]: Rgb, by: number): Rgb {
  return [Math.round(r * by), Math.round(g * by), Math.round(b * by)];
}

function jittered(dice: Dice, [r, g, b]: Rgb, by: number): Rgb {
  const part = (value: number): number =>
    Math.round(Math.min(255, Math.max(0, value + dice.between(-by, by))));
  return [part(r), part(g), part(b)];
}
