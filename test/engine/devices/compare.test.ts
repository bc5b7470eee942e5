import { describe, expect, it } from "vitest";
import type { LanguageNumbers, VisionNumbers } from "../../../src/core/model/reference.ts";
import { sketch } from "../../../src/core/model/sketch.ts";
import { compareLanguage, compareVision } from "../../../src/engine/devices/compare.ts";

const array = Float32Array.from({ length: 9000 }, (_, index) => Math.sin(index));
const scaled = (by: number): string => sketch(array.map((value) => value * by));

const VISION: VisionNumbers = { features: scaled(1), visualTokens: scaled(1), embq: scaled(1) };
const LANGUAGE: LanguageNumbers = {
  queries: scaled(1),
  top: [
    { id: 5, logit: 12, plain: 12.2 },
    { id: 7, logit: 9, plain: 9.6 },
    { id: 2, logit: 3, plain: 3.1 },
  ],
  greedy: [
    { id: 5, margin: 3 },
    { id: 9, margin: 0.4 },
    { id: 1, margin: 2 },
  ],
};

function says(...ids: number[]): LanguageNumbers {
  return { ...LANGUAGE, greedy: ids.map((id) => ({ id, margin: 1 })) };
}

describe("a device's vision", () => {
  it("is sound up to a hundredth", () => {
    const { errors, wrong } = compareVision({ ...VISION, features: scaled(1.009) }, VISION);
    expect(wrong).toBeUndefined();
    expect(errors["features"]).toBeCloseTo(0.009, 3);
  });

  it("is wrong above it, and what is wrong is said", () => {
    expect(compareVision({ ...VISION, features: scaled(1.02) }, VISION).wrong).toMatch(
      /^its features are 0\.020 away from the CPU's \(at most 0\.01 is sound\)$/,
    );
    expect(compareVision({ ...VISION, visualTokens: scaled(1.02) }, VISION).wrong).toMatch(
      /^its visual tokens/,
    );
    expect(compareVision({ ...VISION, embq: scaled(0) }, VISION).wrong).toMatch(/^its embq are 1\.0 away/);
    expect(compareVision({ ...VISION, features: scaled(Number.NaN) }, VISION).wrong).toMatch(
      /are no numbers/,
    );
  });
});

describe("a device's vision in float16", () => {
  it("is sound up to a thousandth, and wrong above it", () => {
    const half = { arithmetic: "float16" } as const;
    expect(compareVision({ ...VISION, embq: scaled(1.0009) }, VISION, half).wrong).toBeUndefined();
    expect(compareVision({ ...VISION, embq: scaled(1.0012) }, VISION, half).wrong).toMatch(
      /^its embq are 0\.0012 away from the CPU's \(at most 0\.001 is sound\)$/,
    );
  });
});

it("a picture among others in a run counts where it is worse", () => {
  const together = { ...VISION, features: scaled(1.02) };
  expect(compareVision(VISION, VISION, { together }).wrong).toMatch(/^its features are 0\.020 away/);
  expect(compareVision(together, VISION, { together: VISION }).wrong).toMatch(
    /^its features are 0\.020 away/,
  );
  expect(compareVision(VISION, VISION, { together: { ...VISION, embq: scaled(Number.NaN) } }).wrong).toMatch(
    /are no numbers/,
  );
});

describe("a device's language", () => {
  it("is sound where it says the same, or another word where rounding may choose", () => {
    expect(compareLanguage(LANGUAGE, LANGUAGE)).toEqual({
      errors: { queries: 0, logits: 0 },
      wrong: undefined,
    });
    expect(compareLanguage(says(5, 8, 3), LANGUAGE).wrong).toBeUndefined();
  });

  it("is wrong where it says another word, or none, though the margin is wide", () => {
    expect(compareLanguage(says(6, 9, 1), LANGUAGE).wrong).toMatch(
      /^it says token 6 where the CPU says 5, which is 3\.0 ahead of the next$/,
    );
    expect(compareLanguage(says(5, 9, 2), LANGUAGE).wrong).toMatch(/^it says token 2/);
    expect(compareLanguage(says(), LANGUAGE).wrong).toMatch(/^it says token none/);
  });

  it("is wrong where its logits or the rows that EmbQ wrote are", () => {
    const logits = { ...LANGUAGE, top: [{ id: 5, logit: 12, plain: 12.2 }] };
    expect(compareLanguage(logits, LANGUAGE).wrong).toBeUndefined(); // what it did not say is no more than its least
    const far = {
      ...LANGUAGE,
      top: LANGUAGE.top.map(({ logit, ...rest }) => ({ ...rest, logit: logit + 2 })),
    };
    expect(compareLanguage(far, LANGUAGE).wrong).toMatch(/^its logits are/);
    const plain = { ...LANGUAGE, top: LANGUAGE.top.map((token) => ({ ...token, logit: token.plain })) };
    expect(compareLanguage(plain, LANGUAGE).wrong).toMatch(/^what EmbQ writes/);
    expect(compareLanguage({ ...LANGUAGE, queries: scaled(1.2) }, LANGUAGE).wrong).toMatch(
      /^its queries are/,
    );
  });
});
