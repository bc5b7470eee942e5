import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { defaultThreads } from "../../src/engine/threads.ts";

it("uses one thread for a tiny model and no more than the machine has for a large one", async () => {
  expect(await defaultThreads(128)).toBe(1);
  const threads = await defaultThreads(2560);
  expect(threads).toBeGreaterThanOrEqual(1);
  expect(threads).toBeLessThanOrEqual(availableParallelism());
});
