import { describe, expect, it } from "vitest";
import { Counts, showRate, summaryLine } from "../../../src/cli/many/counts.ts";
import { FlashSlothError, type ErrorCode } from "../../../src/core/errors.ts";
import { answeredOutcome, failedOutcome } from "../../pipeline/outcomes.ts";

function counted(answered: number, ...codes: readonly ErrorCode[]): Counts {
  const counts = new Counts();
  for (let index = 0; index < answered; index++) counts.add(answeredOutcome());
  for (const code of codes) counts.add(failedOutcome(new FlashSlothError(code, "no")));
  return counts;
}

describe("the summary of a run", () => {
  it("counts answers, failures by their codes and what was skipped, and says how fast it went", () => {
    const counts = counted(4, "timeout", "image-invalid", "timeout");
    counts.skipped = 10;
    counts.pictures = 7;
    expect(summaryLine(counts, 14)).toBe(
      "4 answered, 3 failed (image-invalid 1, timeout 2), 10 skipped; 0.5 pictures a second",
    );
  });

  it("has no rate where no picture was looked at", () => {
    expect(summaryLine(counted(0), 1)).toBe("0 answered, 0 failed, 0 skipped");
  });

  it("shows rates with as many digits as they are worth", () => {
    expect([0.0517, 0.75, 3.14, 9.99, 10.4, 123.4].map(showRate)).toEqual([
      "0.052",
      "0.75",
      "3.1",
      "10",
      "10",
      "123",
    ]);
  });
});
