import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { packageOf } from "../../packaging/notices.ts";

const DIST = resolve(import.meta.dirname, "../../dist");

describe("the third-party notices", () => {
  it("have the licence of every package whose modules are in the build, by its source maps", async () => {
    const notices = await readFile(join(DIST, "THIRD-PARTY-NOTICES.md"), "utf8");
    const titles = new Set([...notices.matchAll(/^## (\S+) /gm)].map(([, name]) => name));
    const joined = new Set<string>();
    for (const name of await readdir(join(DIST, "lib"))) {
      if (!name.endsWith(".map")) continue;
      const { sources } = JSON.parse(await readFile(join(DIST, "lib", name), "utf8")) as {
        sources: string[];
      };
      for (const source of sources) {
        const folder = packageOf(resolve(DIST, "lib", source));
        if (folder !== undefined)
          joined.add(folder.replace(/^.*[/\\]node_modules[/\\]/, "").replaceAll("\\", "/"));
      }
    }
    expect(joined.size).toBeGreaterThan(20);
    expect([...joined].filter((name) => !titles.has(name))).toEqual([]);
    for (const part of notices.split(/^## /m).slice(1)) {
      expect(part.toLowerCase(), part.split("\n")[0]).toMatch(/copyright|permission is hereby granted/);
    }
  });

  it("know a package by its module's path", () => {
    expect(packageOf("/a/node_modules/@b/c/dist/d.js")).toBe("/a/node_modules/@b/c");
    expect(packageOf("/a/node_modules/b/node_modules/c/d.js")).toBe("/a/node_modules/b/node_modules/c");
    expect(packageOf("/a/src/d.ts")).toBeUndefined();
  });
});
