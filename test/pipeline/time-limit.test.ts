import { describe, expect, it } from "vitest";
import { TimeLimit } from "../../src/pipeline/time-limit.ts";

describe("the time that a picture has", () => {
  let clock = 0;
  const at = (time: number): void => void (clock = time);
  const limit = (spentMs = 0): TimeLimit => new TimeLimit({ limitMs: 1000, spentMs, now: () => clock });

  it("passes once, however many questions share it, and not between them", () => {
    at(0);
    const time = limit(100);
    time.start();
    at(50);
    time.start();
    at(70);
    expect(time.left).toBe(830);
    time.stop(0);
    at(200);
    time.stop(0);
    at(9000);
    expect(time.left).toBe(700);
    time.start();
    at(9010);
    expect(time.left).toBe(690);
  });

  it("does not pass while models are waited for", () => {
    at(0);
    const time = limit();
    time.start();
    time.start();
    at(500);
    time.stop(400);
    expect(time.left).toBe(900);
    at(600);
    time.stop(390);
    expect(time.left).toBe(800);
    time.start();
    at(650);
    time.stop(0);
    expect(time.left).toBe(750);
  });

  it("is over when an answer was cut off, and never where there is no limit", () => {
    at(0);
    const time = limit();
    time.exhaust();
    expect(time.left).toBe(0);
    expect(new TimeLimit({ spentMs: 1e9, now: () => clock }).left).toBe(Number.POSITIVE_INFINITY);
  });
});
