import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { answers } from "../../src/pipeline/run.ts";
import type { Job } from "../../src/pipeline/job.ts";
import { FakeEngine } from "./fake-engine.ts";

setFlagsFromString("--expose_gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes that are in use, garbage aside. */
function heap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** An engine that keeps no book. */
class PlainEngine extends FakeEngine {
  override async release(): Promise<void> {}
}

describe("a long list of names", () => {
  it.each([
    [8, 1_000_000, 200],
    [1, 100_000, 4],
  ])(
    "is answered from the first one on, in order and in flat memory: %i at once, %i names",
    async (parallel, count, beyond) => {
      let given = 0;
      async function* names(): AsyncGenerator<Job, void, void> {
        const questions = [{ text: "q" }];
        while (given < count) {
          const label = `${given++}.png`;
          yield { label, input: label, questions };
        }
      }
      const engine = new PlainEngine({ parallel });
      const outcomes = answers({ jobs: names(), engine: async () => engine, model: "demo", ask: {} });
      let taken = 0;
      let [inOrder, mostAhead, early] = [true, 0, 0];
      for await (const { record } of outcomes) {
        inOrder &&= record.image === `${taken}.png`;
        taken++;
        mostAhead = Math.max(mostAhead, given - taken);
        if (taken === 10_000) early = heap();
        else if (taken % (count / 4) === 0) expect(heap() - early).toBeLessThan(1e6);
      }
      expect({ taken, inOrder }).toEqual({ taken: count, inOrder: true });
      expect(mostAhead).toBeLessThan(beyond);
    },
  );
});
