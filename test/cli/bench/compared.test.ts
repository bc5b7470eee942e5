import { describe, expect, it } from "vitest";
import { comparedVariants } from "../../../src/cli/bench/compared.ts";

describe("the variants of bench --compare", () => {
  it("are weight types, precisions, both, bounds and folders", () => {
    expect(
      comparedVariants("q4_k_s, q4_0,mixed,q8_0+int8,q4_0+mixed0.01,mixed5e-3,./a b,/c/q4_0+mixed"),
    ).toEqual([
      { quant: "q4_k_s" },
      { quant: "q4_0" },
      { visionPrecision: "mixed" },
      { quant: "q8_0", visionPrecision: "int8" },
      { quant: "q4_0", visionPrecision: "mixed", visionBudget: 0.01 },
      { visionPrecision: "mixed", visionBudget: 0.005 },
      { folder: "./a b" },
      { folder: "/c/q4_0+mixed" },
    ]);
  });

  it.each(["", "q4", "q4_0,", "q4_0+", "mixed+q4_0", "q4_0mixed", "q4_0+q8_0", "0.1", "q4_0+mixedly"])(
    "are not %j",
    (text) => {
      expect(() => comparedVariants(text)).toThrow(
        expect.objectContaining({ code: "usage", hint: expect.stringContaining("q4_0+mixed") as string }),
      );
    },
  );
});
