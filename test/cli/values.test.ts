import { describe, expect, it } from "vitest";
import {
  seedValue,
  shardValue,
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

  it("reads a part of several", () => {
    expect(shardValue("2/8")).toEqual({ part: 2, of: 8 });
    expect(shardValue("1/1")).toEqual({ part: 1, of: 1 });
    for (const text of ["2", "/8", "2/", "a/b", "-1/8", "2/8/9", "1.5/2", "2 / 8", ""]) {
      expect(() => shardValue(text), text).toThrow("expected K/N, such as 2/8 for the second of eight parts");
    }
    expect(() => shardValue("0/8")).toThrow("the parts are numbered from 1 to 8: 0 is none of them");
    expect(() => shardValue("9/8")).toThrow("the parts are numbered from 1 to 8: 9 is none of them");
    expect(() => shardValue("1/0")).toThrow("expected from 1 to 1000000 parts");
  });
});
