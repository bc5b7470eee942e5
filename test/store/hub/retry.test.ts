import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import { DownloadMeter } from "../../../src/store/hub/meter.ts";
import { nextPage } from "../../../src/store/hub/listing.ts";
import { PATIENCE, retryAfter, Transient, withRetries } from "../../../src/store/hub/retry.ts";
import type { StoreProgress } from "../../../src/store/progress.ts";

const patience = { ...PATIENCE, attempts: 5, pauseMs: 8, longestPauseMs: 20, longestRetryAfterMs: 100 };
const passing = (ms?: number): Transient => new Transient(new FlashSlothError("network", "gone"), ms);

describe("retries", () => {
  it("pause longer and longer, up to a bound, and end", async () => {
    const pauses: number[] = [];
    const failing = withRetries({ patience, onRetry: (_, ms) => pauses.push(ms) }, async () => {
      throw passing();
    });
    await expect(failing).rejects.toMatchObject({ code: "network", message: "gone" });
    expect(pauses).toHaveLength(4);
    for (const [index, longest] of [8, 16, 20, 20].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(longest / 2);
      expect(pauses[index]).toBeLessThanOrEqual(longest);
    }
  });

  it("count failures in a row only", async () => {
    let runs = 0;
    const done = await withRetries({ patience }, async (attempt) => {
      if (++runs % 4 === 0) attempt.succeeded();
      if (runs < 15) throw passing();
      return runs;
    });
    expect(done).toBe(15);
  });

  it("do not follow anything else", async () => {
    let runs = 0;
    const failing = withRetries({ patience }, async () => {
      runs += 1;
      throw new Error("a defect");
    });
    await expect(failing).rejects.toThrow("a defect");
    expect(runs).toBe(1);
  });

  it("wait as long as the server asks, unless that is too long", async () => {
    const pauses: number[] = [];
    const onRetry = (_: unknown, ms: number): unknown => pauses.push(ms);
    await expect(
      withRetries({ patience, onRetry }, async () => {
        throw passing(pauses.length === 0 ? 60 : 101);
      }),
    ).rejects.toThrow("gone");
    expect(pauses).toEqual([60]);
  });

  it("end with the signal, in the middle of a pause too", async () => {
    const signal = AbortSignal.timeout(30);
    const slow = { ...patience, pauseMs: 10_000, longestPauseMs: 10_000 };
    const started = performance.now();
    await expect(
      withRetries({ patience: slow, signal }, async () => {
        throw passing();
      }),
    ).rejects.toThrow("aborted");
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("what servers say", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    [{ retryAfter: "120" }, 120_000],
    [{ retryAfter: "Thu, 01 Jan 2026 00:00:30 GMT" }, 30_000],
    [{ retryAfter: "Wed, 31 Dec 2025 00:00:00 GMT" }, 0],
    [{ retryAfter: "soon", rateLimit: '"api";r=0;t=55' }, 55_000],
    [{}, undefined],
  ])("about waiting: %j", (headers, expected) => {
    expect(retryAfter(headers, now)).toBe(expected);
  });

  it.each([
    ['<https://hub/api?cursor=a,b>; rel="next"', "https://hub/api?cursor=a,b"],
    ['<https://hub/first>; rel="prev", <https://hub/next>; rel="next"', "https://hub/next"],
    ["<https://hub/next>; rel=next", "https://hub/next"],
    ['<https://hub/last>; rel="last"', undefined],
    ["nonsense", undefined],
    [null, undefined],
  ])("about the next page: %j", (link, expected) => {
    expect(nextPage(link)).toBe(expected);
  });
});

describe("the aggregate of a download", () => {
  it("adds files up and forgets the rate of long ago", () => {
    const events: StoreProgress[] = [];
    const sizes = new Map([
      ["a", 1000],
      ["b", 3000],
    ]);
    const meter = new DownloadMeter(sizes, (event) => events.push(event));
    const base = performance.now() + 10_000;
    meter.report(base);
    meter.received = 1000;
    meter.set("a", 1000);
    meter.report(base + 1000);
    expect(events.at(-1)).toMatchObject({
      done: 1000,
      total: 4000,
      rate: 1000,
      secondsLeft: 3,
      filesDone: 1,
      files: 2,
    });
    meter.report(base + 3000);
    meter.report(base + 7000);
    expect(events.at(-1)).toMatchObject({ rate: 0, secondsLeft: undefined });
    const count = events.length;
    meter.report(base + 7100);
    expect(events).toHaveLength(count);
  });
});
