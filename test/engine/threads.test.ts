import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { defaultThreads } from "../../src/engine/threads.ts";
import { linux, processors } from "../core/machine/made-tree.ts";

it("uses one thread for a tiny model and no more than the machine has for a large one", async () => {
  expect(await defaultThreads(128)).toBe(1);
  const threads = await defaultThreads(2560);
  expect(threads).toBeGreaterThanOrEqual(1);
  expect(threads).toBeLessThanOrEqual(availableParallelism());
});

it("uses one thread a core for a large model, wherever its cores lie", async () => {
  const cores = Array.from({ length: 16 }, (_, core) => [core, core + 16]);
  const system = linux(processors({ cores, allowed: "12-15,28-31" }));
  expect(await defaultThreads(2560, { system, available: 8 })).toBe(4);
  expect(await defaultThreads(128, { system, available: 8 })).toBe(1);
});
