import { describe, expect, it } from "vitest";
import { nestedDeeper } from "../../src/serve/body.ts";

describe("how deep JSON is nested", () => {
  it.each([
    ["[]", 1],
    ['{"a":[{}]}', 3],
    ['["[[[[", "{{{"]', 1],
    [String.raw`["\"[[[[", "\\", [1]]`, 2],
    [String.raw`{"a\\\"[[[": "\\\\", "b": {"c": []}}`, 3],
    ["[[1], [2], {}]", 2],
  ])("%s: %i", (text, depth) => {
    expect(nestedDeeper(text, depth)).toBe(false);
    expect(nestedDeeper(text, depth - 1)).toBe(true);
  });

  it("is not at all for a number", () => {
    expect(nestedDeeper("1", 0)).toBe(false);
  });

  it("is told of what is no JSON too, and quickly", () => {
    expect(nestedDeeper("]]]][[[[", 3)).toBe(false);
    expect(nestedDeeper('["never ended [[[[', 1)).toBe(false);
    const start = performance.now();
    expect(nestedDeeper(`["${'\\"'.repeat(4_000_000)}"]`, 1)).toBe(false);
    expect(nestedDeeper(`["${"A".repeat(30_000_000)}"]`, 1)).toBe(false);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
