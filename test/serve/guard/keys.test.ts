import { timingSafeEqual } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { carriesKey } from "../../../src/serve/guard/keys.ts";

vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>();
  return { ...crypto, timingSafeEqual: vi.fn<typeof crypto.timingSafeEqual>(crypto.timingSafeEqual) };
});

const KEY = "a-key";

describe("the key", () => {
  it.each(["Bearer a-key", "bearer a-key", "Bearer   a-key", "Bearer a-key "])("is in %j", (header) => {
    expect(carriesKey(header, KEY)).toBe(true);
  });

  it.each([
    undefined,
    "",
    "a-key",
    "Bearer",
    "Bearer ",
    "Bearer a-ke",
    "Bearer a-keyy",
    "Basic a-key",
    "Bearer a key",
  ])("is not in %j", (header) => {
    expect(carriesKey(header, KEY)).toBe(false);
  });

  it("is compared in a time that does not depend on what was given: always once, always as long", () => {
    const compared = vi.mocked(timingSafeEqual);
    for (const given of ["", "a", "a-ke", "a-key", "x".repeat(10_000)]) {
      compared.mockClear();
      carriesKey(`Bearer ${given}`, KEY);
      const lengths = compared.mock.calls.map(([a, b]) => [a.byteLength, b.byteLength]);
      expect(lengths, given).toEqual([[32, 32]]);
    }
  });
});
