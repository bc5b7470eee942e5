import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { makeDrawing, type Drawing } from "../../../src/eval/drawings/make.ts";
import { askAbout, type Kind } from "../../../src/eval/drawings/questions.ts";
import {
  COLOURS,
  Dice,
  makeScene,
  SHAPES,
  VARIATIONS,
  type Drawn,
  type Scene,
} from "../../../src/eval/drawings/scene.ts";
import { svgOf } from "../../../src/eval/drawings/svg.ts";
import { random } from "../../random.ts";

const dice = (seed: number): Dice => new Dice(random(seed));

function drawn(shape: Drawn["shape"], colour: Drawn["colour"], x: number, y: number): Drawn {
  return { shape, colour, x, y, radius: 0.1, angle: 0, fill: COLOURS[colour] };
}

/** A red circle on the left above a blue star; another blue thing below them. */
const SCENE: Scene = {
  side: 200,
  background: "pink",
  ground: [250, 207, 215],
  shapes: [
    drawn("star", "blue", 0.8, 0.5),
    drawn("circle", "red", 0.2, 0.2),
    drawn("cross", "blue", 0.5, 0.8),
  ],
};

/** Every question of a kind that can be asked about the scene, with its answer. */
function asked(kind: Kind): Map<string, string> {
  const found = new Map<string, string>();
  for (let seed = 0; seed < 4000; seed++) {
    const { kind: of, question, answer } = askAbout(dice(seed), SCENE);
    if (of !== kind) continue;
    expect(found.get(question) ?? answer, question).toBe(answer);
    found.set(question, answer);
  }
  return found;
}

describe("questions about a drawing", () => {
  it("ask about places as they are", () => {
    const questions = asked("rel");
    expect(questions.get("Is the red circle to the left of the blue star?")).toBe("Yes.");
    expect(questions.get("Is the red circle to the right of the blue star?")).toBe("No.");
    expect(questions.get("Is the red circle above the blue cross?")).toBe("Yes.");
    expect(questions.get("Is the red circle below the blue cross?")).toBe("No.");
    expect(questions.get("Is the blue cross below the blue star?")).toBe("Yes.");
  });

  it("count", () => {
    const questions = asked("count");
    expect(questions.get("Count the shapes.")).toBe("Three.");
    expect(questions.get("How many blue shapes are there?")).toBe("Two.");
    expect(questions.get("How many crosses are there?")).toBe("One.");
    expect(questions.get("How many green shapes are there?")).toBe("Zero.");
  });

  it("name colours and shapes only of what is alone", () => {
    expect(asked("color").get("What colour is the circle?")).toBe("Red.");
    expect(new Set(asked("shape").values())).toEqual(new Set(["Circle."]));
  });

  it("ask whether something is there, with the right article", () => {
    const questions = asked("exist");
    expect(questions.get("Is there a red circle in the image?")).toBe("Yes.");
    expect(questions.get("Is there an orange shape?")).toBe("No.");
    expect(questions.get("Do you see a ring?")).toBe("No.");
  });

  it("describe from left to right", () => {
    const questions = asked("desc");
    expect(questions.get("Describe the image.")).toBe(
      "The picture shows a red circle, a blue cross and a blue star on a pink background.",
    );
    expect(questions.get("What is this?")).toBe("A red circle, a blue cross and a blue star.");
    expect(questions.get("What color is the background?")).toBe("Pink.");
  });
});

describe("drawings", () => {
  const all: readonly Drawing[] = Array.from({ length: 600 }, (_, index) => makeDrawing(index, 0));

  it("are the same again, whichever others are made", () => {
    expect(makeDrawing(17, 0)).toEqual(all[17]);
    expect(makeDrawing(17, 1).svg).not.toEqual(all[17]?.svg);
    expect(new Set(all.map(({ svg }) => new TextDecoder().decode(svg))).size).toBe(all.length);
  });

  it("are of every kind and variation", () => {
    expect(new Set(all.map(({ kind }) => kind)).size).toBe(6);
    expect(new Set(all.map(({ variation }) => variation))).toEqual(new Set(VARIATIONS));
    expect(all.filter(({ variation }) => variation === "plain")).toHaveLength(300);
  });

  it("say yes as often as no", () => {
    const answers = all.filter(({ kind }) => kind === "exist").map(({ answer }) => answer);
    const yes = answers.filter((answer) => answer === "Yes.").length / answers.length;
    expect(yes).toBeGreaterThan(0.38);
    expect(yes).toBeLessThan(0.62);
  });

  it("keep shapes apart where they are plain, and inside the picture", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { shapes } = makeScene(dice(seed), "plain");
      for (const [index, one] of shapes.entries()) {
        expect(Math.min(one.x, one.y, 1 - one.x, 1 - one.y)).toBeGreaterThan(one.radius);
        for (const other of shapes.slice(index + 1)) {
          expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(one.radius + other.radius);
        }
      }
    }
  });

  it.each(SHAPES)("show a %s in its colour where it says", async (shape) => {
    const scene = { ...SCENE, shapes: [drawn(shape, "red", 0.3, 0.6)] };
    const { data, info } = await sharp(svgOf(scene))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const red: (readonly [number, number])[] = [];
    for (let at = 0; at < info.width * info.height; at++) {
      if (data[3 * at] === 220 && data[3 * at + 1] === 30)
        red.push([at % info.width, Math.floor(at / info.width)]);
    }
    const middle = (part: 0 | 1): number => {
      const places = red.map((place) => place[part]);
      return (Math.min(...places) + Math.max(...places)) / 2 / info.width;
    };
    expect(middle(0)).toBeCloseTo(0.3, 1);
    expect(middle(1)).toBeCloseTo(0.6, 1);
    expect(red.length / info.width ** 2).toBeGreaterThan(0.008);
    expect(red.length / info.width ** 2).toBeLessThan(0.033);
  });
});
