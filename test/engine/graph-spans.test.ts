import { describe, expect, it } from "vitest";
import { graphSpans } from "../../src/engine/prefill.ts";

describe("graphSpans", () => {
  it("is one graph where everything fits", () => {
    expect(graphSpans(142, 129, 512)).toEqual([[0, 142]]);
    expect(graphSpans(512, 499, 512)).toEqual([[0, 512]]);
  });

  it("never cuts through the queries and what follows them", () => {
    for (let total = 14; total < 1300; total++) {
      const queriesAt = total - 13;
      const spans = graphSpans(total, queriesAt, 64);
      expect(spans[0]?.[0]).toBe(0);
      expect(spans.at(-1)?.[1]).toBe(total);
      for (const [index, [start, end]] of spans.entries()) {
        expect(end - start).toBeGreaterThan(0);
        expect(end - start).toBeLessThanOrEqual(64);
        expect(start).toBe(spans[index - 1]?.[1] ?? 0);
      }
      expect(spans.at(-1)?.[0]).toBeLessThanOrEqual(queriesAt);
      expect(spans.length).toBeLessThanOrEqual(Math.ceil(total / 64) + 1);
    }
  });
});
