import { COLOURS, SHAPES, type Colour, type Dice, type Drawn, type Scene, type Shape } from "./scene.ts";

/** What a question is about. */
export const KINDS = ["exist", "count", "desc", "color", "rel", "shape"] as const;
export type Kind = (typeof KINDS)[number];

export interface Asked {
  readonly kind: Kind;
  readonly question: string;
  /** the one right answer, letter by letter */
  readonly answer: string;
}

/** How often each kind is asked, of 200, as among the drawings that the demo model is tested with. */
const OFTEN: Readonly<Record<Kind, number>> = {
  exist: 53,
  count: 50,
  desc: 40,
  color: 28,
  rel: 17,
  shape: 12,
};
const NUMBERS = ["Zero", "One", "Two", "Three", "Four", "Five"] as const;
/** Two shapes whose middles are nearer than that, of the side, are not asked about as left and right. */
const LEAST_APART = 0.12;
const MOST_DESCRIBED = 4;

/** A question about a scene, of a kind that it allows. */
export function askAbout(dice: Dice, scene: Scene): Asked {
  for (;;) {
    const kind = pickKind(dice);
    const asked = QUESTIONS[kind](dice, scene);
    if (asked !== undefined) return { kind, ...asked };
  }
}

function pickKind(dice: Dice): Kind {
  let left = dice.below(200);
  for (const kind of KINDS) {
    left -= OFTEN[kind];
    if (left < 0) return kind;
  }
  return "exist";
}

type Maker = (dice: Dice, scene: Scene) => Omit<Asked, "kind"> | undefined;

const QUESTIONS: Readonly<Record<Kind, Maker>> = { exist, count, desc, color, rel, shape };

const COLOUR_NAMES = Object.keys(COLOURS) as Colour[];

function exist(dice: Dice, { shapes }: Scene): Omit<Asked, "kind"> {
  const yes = dice.below(2) === 0;
  const form = dice.below(3);
  for (;;) {
    const model: Pick<Drawn, "shape" | "colour"> = yes
      ? dice.pick(shapes)
      : { shape: dice.pick(SHAPES), colour: dice.pick(COLOUR_NAMES) };
    const wanted = form === 1 ? undefined : model.shape;
    const colour = form === 2 ? undefined : model.colour;
    const there = shapes.some(
      (each) => (wanted ?? each.shape) === each.shape && (colour ?? each.colour) === each.colour,
    );
    if (there !== yes) continue;
    const what = withArticle([colour, wanted ?? "shape"].filter((word) => word !== undefined).join(" "));
    const question = dice.pick([
      `Is there ${what} in the image?`,
      `Is there ${what}?`,
      `Do you see ${what}?`,
    ]);
    return { question, answer: yes ? "Yes." : "No." };
  }
}

function count(dice: Dice, { shapes }: Scene): Omit<Asked, "kind"> {
  const form = dice.below(4);
  if (form < 2) {
    const question = dice.pick([
      "How many shapes are there?",
      "Count the shapes.",
      "How many shapes are in the picture?",
    ]);
    return { question, answer: numberOf(shapes.length) };
  }
  const model = dice.below(6) === 0 ? undefined : dice.pick(shapes);
  const colour = model?.colour ?? dice.pick(COLOUR_NAMES);
  const wanted = model?.shape ?? dice.pick(SHAPES);
  if (form === 2) {
    const matching = shapes.filter((each) => each.colour === colour).length;
    return { question: `How many ${colour} shapes are there?`, answer: numberOf(matching) };
  }
  const matching = shapes.filter((each) => each.shape === wanted).length;
  return { question: `How many ${plural(wanted)} are there?`, answer: numberOf(matching) };
}

function desc(dice: Dice, { shapes, background, pattern }: Scene): Omit<Asked, "kind"> | undefined {
  const form = dice.below(3);
  if (form === 0) {
    if (pattern !== undefined) return undefined; // it has no name for such a ground
    const question = dice.pick(["What color is the background?", "What is the background color?"]);
    return { question, answer: `${background[0]?.toUpperCase()}${background.slice(1)}.` };
  }
  if (shapes.length > MOST_DESCRIBED) return undefined;
  const named = [...shapes]
    .sort((a, b) => a.x - b.x)
    .map(({ colour, shape: each }) => withArticle(`${colour} ${each}`));
  const list =
    named.length > 1 ? `${named.slice(0, -1).join(", ")} and ${named.at(-1)}` : (named[0] ?? "nothing");
  if (form === 1) {
    const question = dice.pick(["What do you see?", "What is this?", "What is in the picture?"]);
    return { question, answer: `${list[0]?.toUpperCase()}${list.slice(1)}.` };
  }
  if (pattern !== undefined) return undefined;
  const question = dice.pick(["Describe the image.", "Describe this picture."]);
  return { question, answer: `The picture shows ${list} on a ${background} background.` };
}

function color(dice: Dice, { shapes }: Scene): Omit<Asked, "kind"> | undefined {
  const alone = shapes.filter((each) =>
    shapes.every((other) => other === each || other.shape !== each.shape),
  );
  if (alone.length === 0) return undefined;
  const { shape: what, colour } = dice.pick(alone);
  const question = dice.pick([
    `What color is the ${what}?`,
    `What colour is the ${what}?`,
    `Which color does the ${what} have?`,
  ]);
  return { question, answer: `${colour[0]?.toUpperCase()}${colour.slice(1)}.` };
}

function shape(dice: Dice, { shapes }: Scene): Omit<Asked, "kind"> | undefined {
  const alone = shapes.filter((each) =>
    shapes.every((other) => other === each || other.colour !== each.colour),
  );
  if (alone.length === 0) return undefined;
  const { shape: what, colour } = dice.pick(alone);
  const question = dice.pick([
    `What shape is ${colour}?`,
    `Which shape is ${colour}?`,
    `What is the ${colour} shape?`,
  ]);
  return { question, answer: `${what[0]?.toUpperCase()}${what.slice(1)}.` };
}

function rel(dice: Dice, { shapes }: Scene): Omit<Asked, "kind"> | undefined {
  const alone = shapes.filter((each) =>
    shapes.every((other) => other === each || other.colour !== each.colour || other.shape !== each.shape),
  );
  if (alone.length < 2) return undefined;
  const one = dice.pick(alone);
  const other = dice.pick(alone.filter((each) => each !== one));
  const across = dice.below(2) === 0;
  const apart = across ? other.x - one.x : other.y - one.y;
  if (Math.abs(apart) < LEAST_APART) return undefined;
  const first = dice.below(2) === 0;
  const relation = across ? (first ? "to the left of" : "to the right of") : first ? "above" : "below";
  const question = `Is the ${one.colour} ${one.shape} ${relation} the ${other.colour} ${other.shape}?`;
  return { question, answer: apart > 0 === first ? "Yes." : "No." };
}

function withArticle(words: string): string {
  return `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
}

function plural(what: Shape): string {
  return what === "cross" ? "crosses" : `${what}s`;
}

function numberOf(number: number): string {
  return `${NUMBERS[number] ?? number}.`;
}
