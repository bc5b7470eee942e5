import { readdir } from "node:fs/promises";
import { expect, it } from "vitest";
import { storePaths } from "../../src/store/home.ts";
import { readModel } from "../../src/store/installed.ts";
import { resolveModel } from "../../src/store/resolve.ts";
import { scratch } from "./scratch.ts";

it("converts the shipped demo with the project's converter, well within five seconds", async () => {
  const paths = storePaths(await scratch());
  const started = performance.now();
  const { directory, demo } = await resolveModel({ model: "demo", paths });
  expect(performance.now() - started).toBeLessThan(5000);
  expect(demo).toBe(true);
  expect((await readModel(directory)).source.repo).toBe("flashsloth/demo");
  expect(await readdir(paths.models)).toHaveLength(1);
});
