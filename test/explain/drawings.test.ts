import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Attention } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { shownMap } from "../../src/explain/shown.ts";
import { convertDemo, DRAWINGS, readDrawings, type Drawing } from "../demo/demo-model.ts";
import { FORMS, seeShapes, type DrawnShape, type Form, type SeenDrawing } from "./shapes.ts";

const NUMBERS = ["Zero.", "One.", "Two.", "Three.", "Four.", "Five."];

/** A drawing with its shapes, found by their pixels. */
interface Seen extends Drawing {
  readonly seen: SeenDrawing;
}

/** What a question or an answer names. */
function named(text: string): { readonly forms: readonly Form[]; readonly colours: readonly string[] } {
  const has = (word: string): boolean => new RegExp(`\\b${word}(?:s|es)?\\b`, "i").test(text);
  const colours = ["red", "orange", "yellow", "green", "blue", "purple", "black", "gray"];
  return { forms: FORMS.filter((form) => has(form)), colours: colours.filter((colour) => has(colour)) };
}

function fitting({ shapes }: SeenDrawing, text: string): DrawnShape[] {
  const { forms, colours } = named(text);
  return shapes.filter(
    ({ form, colour }) =>
      (forms.length === 0 || forms.includes(form)) && (colours.length === 0 || colours.includes(colour)),
  );
}

/** Whether what was found by pixels is what the drawing's own answer says; undefined where that tells nothing of it. */
function agrees({ kind, question, answer, seen }: Seen): boolean | undefined {
  switch (kind) {
    case "color":
    case "shape":
      return fitting(seen, `${question} ${answer}`).length > 0;
    case "exist":
      return fitting(seen, question).length > 0 === (answer === "Yes.");
    case "count":
      return NUMBERS[fitting(seen, question).length] === answer;
    default:
      return undefined;
  }
}

/** The one shape of a drawing that its question names by its form, where there is exactly one such. */
function target({ kind, question, seen }: Seen): DrawnShape | undefined {
  if (kind === "count" || named(question).forms.length !== 1) return undefined;
  const [shape, ...others] = fitting(seen, question);
  return others.length === 0 ? shape : undefined;
}

/** A patch is a shape's when so much of it is covered; the shape's most covered patch is in any case. */
const COVERED = 0.25;

/** @returns for each of 81 patches whether it is the shape's */
function patchesOf({ pixels }: DrawnShape, { width, height }: SeenDrawing): boolean[] {
  const covered = new Float64Array(81);
  for (const at of pixels) {
    const column = Math.floor((((at % width) + 0.5) * 9) / width);
    const row = Math.floor(((Math.floor(at / width) + 0.5) * 9) / height);
    covered[row * 9 + column] = (covered[row * 9 + column] ?? 0) + 81 / (width * height);
  }
  const most = Math.max(...covered);
  return Array.from(covered, (part) => part >= Math.min(COVERED, most));
}

/** The attention on some patches, in multiples of their share of the area. */
function focus(attention: Attention | undefined, patches: readonly boolean[], query?: number): number {
  if (attention === undefined) return Number.NaN;
  const { weights } = shownMap(attention, query);
  const on = weights.filter((_, at) => patches[at]);
  return on.reduce((a, b) => a + b, 0) / (on.length / weights.length);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ];
  return (low + high) / 2;
}

/** A question that names one shape, and how much of the attention is on it. */
interface Focus {
  readonly kind: string;
  readonly own: number;
  /** when something else is asked that names another form */
  readonly shuffled: number;
  readonly queries: readonly number[];
}

describe("EmbQ's attention on drawings it has never seen", () => {
  let drawings: Seen[];
  const found: Focus[] = [];

  beforeAll(async () => {
    drawings = await Promise.all(
      (await readDrawings())
        .filter(({ kind }) => ["color", "shape", "exist", "count"].includes(kind))
        .map(async (drawing) => ({ ...drawing, seen: await seeShapes(join(DRAWINGS, drawing.image)) })),
    );
    const demo = await convertDemo();
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
    const asked = drawings.filter((drawing) => target(drawing) !== undefined);
    for (const [index, drawing] of asked.entries()) {
      const shape = target(drawing);
      if (shape === undefined) continue;
      const patches = patchesOf(shape, drawing.seen);
      const picture = await engine.encodePicture(join(DRAWINGS, drawing.image));
      const { explain } = await engine.ask(picture, { question: drawing.question, explain: {} });
      const others = [...asked.slice(index), ...asked.slice(0, index)];
      const other = others.find(
        ({ kind, question }) => kind === drawing.kind && !named(question).forms.includes(shape.form),
      );
      const shuffled = await engine.ask(picture, { question: other?.question ?? "", explain: {} });
      found.push({
        kind: drawing.kind,
        own: focus(explain, patches),
        shuffled: focus(shuffled.explain, patches),
        queries: Array.from({ length: 9 }, (_, query) => focus(explain, patches, query + 1)),
      });
      await engine.release(picture);
    }
    await engine.dispose();
    await demo.remove();
  }, 120_000);

  afterAll(() => {
    for (const kind of ["color", "exist", undefined]) {
      const of = found.filter((each) => kind === undefined || each.kind === kind);
      const [own, shuffled] = [median(of.map((each) => each.own)), median(of.map((each) => each.shuffled))];
      const queries = Array.from({ length: 9 }, (_, query) =>
        median(of.map((each) => each.queries[query] ?? 0)).toFixed(2),
      );
      console.log(
        `${kind ?? "all"}: ${of.length} questions, median ${own.toFixed(2)}, shuffled ${shuffled.toFixed(2)}; by query ${queries.join(" ")}`,
      );
    }
  });

  it("is measured where the shapes are: what their pixels say agrees with every answer that tells of it", () => {
    const checked = drawings.filter((drawing) => agrees(drawing) !== undefined);
    expect(checked.length).toBeGreaterThanOrEqual(140);
    expect(checked.filter((drawing) => agrees(drawing) === false).map(({ image }) => image)).toEqual([]);
  });

  it("is on the shape that a question names, 2 times an even share at least in the median", () => {
    expect(found.length).toBeGreaterThanOrEqual(40);
    expect(median(found.map(({ own }) => own))).toBeGreaterThanOrEqual(2);
    const colour = found.filter(({ kind }) => kind === "color");
    expect(colour.length).toBeGreaterThanOrEqual(25);
    expect(median(colour.map(({ own }) => own))).toBeGreaterThanOrEqual(2.5);
  });

  it("leaves it when another form is asked about", () => {
    const colour = found.filter(({ kind }) => kind === "color");
    for (const of of [found, colour]) {
      expect(median(of.map(({ shuffled }) => shuffled))).toBeLessThan(
        0.75 * median(of.map(({ own }) => own)),
      );
    }
    expect(colour.filter(({ own, shuffled }) => shuffled < own).length).toBeGreaterThan(0.8 * colour.length);
  });
});
