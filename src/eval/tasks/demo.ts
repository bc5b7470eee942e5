import { join } from "node:path";
import * as v from "valibot";
import type { DataFolder, Need } from "../data/folder.ts";
import { jsonLines } from "../data/lines.ts";
import { makeDrawing } from "../drawings/make.ts";
import { pngOf } from "../drawings/png.ts";
import { KINDS } from "../drawings/questions.ts";
import { VARIATIONS } from "../drawings/scene.ts";
import { accuracy, byCategory } from "../scores/figures.ts";
import type { Form, Graded, Metric, Sample, Unit } from "../task.ts";

const DRAWINGS: Need = { path: "eval.jsonl", what: "drawings' names, questions, answers and kinds" };
const drawingSchema = v.object({
  image: v.string(),
  question: v.string(),
  answer: v.string(),
  kind: v.string(),
});

/** Tokens: twice what any right answer takes. */
const LONGEST = 96;
const SEED = 0;
const WITHOUT_EMBQ = "without EmbQ";

/** Drawings with questions of a folder that has an `eval.jsonl`. */
async function* readFolder(data: DataFolder): AsyncGenerator<Sample, void, void> {
  let number = 0;
  for await (const { row } of jsonLines(await data.locate(DRAWINGS), drawingSchema)) {
    const { image: name, question, answer, kind } = row;
    const picture = join(data.path, name);
    yield* twice({
      id: number++,
      image: picture,
      name,
      picture,
      prompt: question,
      truth: { answers: [answer], category: kind },
    });
  }
}

/** Drawings that are made here. */
async function* readMade(count: number): AsyncGenerator<Sample, void, void> {
  for (let index = 0; index < count; index++) {
    const { name, svg, question, answer, kind, variation } = makeDrawing(index, SEED);
    yield* twice({
      id: index,
      image: name,
      name,
      picture: { read: async () => pngOf(svg) },
      prompt: question,
      truth: { answers: [answer], category: `${variation}/${kind}` },
    });
  }
}

/** The same question with EmbQ and without. */
function* twice(sample: Sample): Generator<Sample, void, void> {
  yield sample;
  const { id, truth } = sample;
  yield {
    ...sample,
    id: `${id} ${WITHOUT_EMBQ}`,
    truth: { ...truth, way: WITHOUT_EMBQ },
    ask: { embq: false },
  };
}

function asked(units: readonly Unit[], way: string | undefined): readonly Unit[] {
  return units.filter(([sample]) => sample?.truth.way === way);
}

/** Of all, by variation of the drawings where they have several, and by kind of question: with EmbQ and without. */
function details(units: readonly Unit[]): Metric[] {
  const [usual, without] = [asked(units, undefined), asked(units, WITHOUT_EMBQ)];
  const metrics: Metric[] = [figure(WITHOUT_EMBQ, without)];
  const parts = new Map<string, (sample: Graded) => boolean>();
  for (const category of byCategory(usual).keys()) {
    const [kind = "", variation] = category.split("/").toReversed();
    if (variation !== undefined) {
      parts.set(variation, ({ truth }) => truth.category?.startsWith(`${variation}/`) === true);
    }
    parts.set(kind, ({ truth }) => truth.category?.split("/").at(-1) === kind);
  }
  const names = [...parts].sort(([a], [b]) => placeOf(a) - placeOf(b));
  for (const [name, isOf] of names) {
    const of = (all: readonly Unit[]): readonly Unit[] =>
      all.filter(([sample]) => sample !== undefined && isOf(sample));
    metrics.push(figure(name, of(usual)), figure(`${name}, ${WITHOUT_EMBQ}`, of(without)));
  }
  return metrics;
}

/** Variations first, then kinds, each in the order in which they are defined. */
function placeOf(name: string): number {
  const place = [...VARIATIONS, ...KINDS].findIndex((known) => known === name);
  return place < 0 ? Number.POSITIVE_INFINITY : place;
}

function figure(name: string, units: readonly Unit[]): Metric {
  return { name, value: accuracy(units), samples: units.length };
}

/**
 * Drawings of coloured shapes, the demo model's subject: made here, or those of a folder.
 * @param count how many to make. @default undefined: those of the folder
 */
export function demoForm(count?: number): Form {
  return {
    split: count === undefined ? "the folder's drawings" : `${count} drawings, made here (seed ${SEED})`,
    needs: count === undefined ? [DRAWINGS] : [],
    from: "nowhere: they are made here; or a folder like test/fixtures/eval in flashsloth's repository",
    suffix: "",
    maxTokens: LONGEST,
    bothWays: true,
    scoring: {
      grade: (text, { answers: [answer] }) => ({ score: text === answer ? 1 : 0, readable: text !== "" }),
      headline: {
        name: "right, with EmbQ",
        unit: "%",
        of: (units) => accuracy(asked(units, undefined)),
      },
      details,
    },
    read: (data) => (count === undefined ? readFolder(data) : readMade(count)),
  };
}
