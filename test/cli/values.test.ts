import { describe, expect, it } from "vitest";
import {
  seedValue,
  temperatureValue,
  threadCount,
  timeoutSeconds,
  tokenCount,
  topPValue,
} from "../../src/cli/values.ts";

describe("option values", () => {
  it.each([
    ["threads", threadCount, "1", 1],
    ["max-tokens", tokenCount, "0512", 512],
    ["seed", seedValue, "4294967295", 0xffff_ffff],
    ["temperature", temperatureValue, "0", 0],
    ["temperature", temperatureValue, ".7", 0.7],
    ["top-p", topPValue, "1", 1],
    ["timeout", timeoutSeconds, "2.5", 2.5],
    ["timeout", timeoutSeconds, "1e3", 1000],
  ])("%s takes %#", (_, parse, text, value) => {
    expect(parse(text)).toBe(value);
  });

  it.each([
    ["threads", threadCount, ["0", "-1", "1.5", "x", "", " ", "1e1", "0x10", "1025"]],
    ["max-tokens", tokenCount, ["0", "-5", "many", "99999999999"]],
    ["seed", seedValue, ["-1", "4294967296", "1.0"]],
    ["temperature", temperatureValue, ["-0.1", "NaN", "Infinity", "1,5", "101", ""]],
    ["top-p", topPValue, ["0", "1.01", "half"]],
    ["timeout", timeoutSeconds, ["0", "-1", "3000000", "1s"]],
  ])("%s refuses what it cannot mean", (_, parse, texts) => {
    for (const text of texts) expect(() => parse(text), text).toThrow(/^expected a/);
  });
});
