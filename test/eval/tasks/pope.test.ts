import { describe, expect, it } from "vitest";
import { llavaYesNo } from "../../../src/eval/tasks/pope.ts";

describe("POPE by LLaVA's script", () => {
  it.each([
    ["Yes", "yes"],
    ["No", "no"],
    ["No, there is no dog in the image.", "no"],
    ["no", "no"],
    ["NO", "yes"], // only No and no are looked for
    ["There is not a dog. Yes", "no"],
    ["Yes. There is no cat", "yes"], // nothing behind the first full stop counts
    [".no", "yes"],
    ["Yes, no", "no"],
    ["Well,no", "yes"], // without its comma it is one word: Wellno
    ["No!", "yes"], // only commas and full stops are taken away
    ["no\nyes", "yes"], // words end at blanks alone
    ["Nothing", "yes"],
    ["cannot", "yes"],
    ["", "yes"],
  ])("takes %j for %s", (text, said) => {
    expect(llavaYesNo(text).said).toBe(said);
  });

  it("tells what says neither", () => {
    expect(["Yes, it is", "not", "maybe", ""].map((text) => llavaYesNo(text).readable)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
