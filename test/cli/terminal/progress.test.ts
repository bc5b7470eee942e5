import { describe, expect, it } from "vitest";
import { showStoreProgress, showTimeLeft } from "../../../src/cli/terminal/progress.ts";
import type { StoreProgress } from "../../../src/store/progress.ts";

const download = (done: number, rate: number): StoreProgress => ({
  stage: "download",
  done,
  total: 6_430_000_000,
  rate,
  secondsLeft: rate === 0 ? undefined : (6_430_000_000 - done) / rate,
  filesDone: 0,
  files: 4,
});

function show(events: readonly { at: number; event: StoreProgress }[]): {
  lines: string[];
  status: string[];
} {
  const lines: string[] = [];
  const status: string[] = [];
  let time = 0;
  const onProgress = showStoreProgress(
    {
      note: (text) => lines.push(text),
      step: (text) => lines.push(text),
      status: (text) => status.push(text),
    },
    { now: () => time },
  );
  for (const { at, event } of events) {
    time = at;
    onProgress(event);
  }
  return { lines, status };
}

describe("progress of the store", () => {
  it("is one bar with bytes, rate and time left on a terminal", () => {
    const { status } = show([{ at: 0, event: download(2_310_000_000, 12_300_000) }]);
    expect(status).toEqual([
      "downloading the model [#######-------------] 35 %, 2.31 GB of 6.43 GB, 12.3 MB/s, 5 min 35 s left",
    ]);
  });

  it("is a line when a stage begins, then one every five seconds", () => {
    const { lines } = show([
      { at: 0, event: download(0, 0) },
      { at: 200, event: download(1_000_000, 5_000_000) },
      { at: 4999, event: download(20_000_000, 5_000_000) },
      { at: 5000, event: download(25_000_000, 5_000_000) },
      { at: 9000, event: download(30_000_000, 5_000_000) },
      { at: 9100, event: { stage: "convert", step: "vision", done: 0, total: 10 } },
      { at: 14_200, event: { stage: "convert", step: "language", done: 5, total: 10 } },
    ]);
    expect(lines).toEqual([
      "downloading the model",
      "downloading the model: 0 %, 25.0 MB of 6.43 GB, 5.00 MB/s, 21 min 21 s left",
      "converting the model",
      "converting the model: language 50 %",
    ]);
  });

  it("says once that another process is at work", () => {
    const wait: StoreProgress = { stage: "wait", pid: 7, model: "demo" };
    const { lines } = show([
      { at: 0, event: wait },
      { at: 9000, event: wait },
    ]);
    expect(lines).toEqual(["waiting for process 7, which is at work on demo"]);
  });

  it("promises no time while nothing arrives, and none when all is there", () => {
    const { status } = show([
      { at: 0, event: download(1_000_000, 0) },
      { at: 1, event: download(6_430_000_000, 9_000_000) },
    ]);
    expect(status.join()).not.toContain("left");
  });

  it.each([
    [0.2, "1 s left"],
    [59.2, "1 min 0 s left"],
    [60, "1 min 0 s left"],
    [7845, "2 h 10 min left"],
  ])("shows %d seconds as %s", (seconds, text) => {
    expect(showTimeLeft(seconds)).toBe(text);
  });
});
