import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE, parseModelName } from "../../src/store/catalogue.ts";
import { closestName } from "../../src/core/closest-name.ts";
import { storeHome, storePaths } from "../../src/store/home.ts";

describe("the store's folder", () => {
  const userHome = "/home/ada";
  it.each([
    ["linux", {}, "/home/ada/.cache/flashsloth"],
    ["linux", { XDG_CACHE_HOME: "/big/cache" }, "/big/cache/flashsloth"],
    ["linux", { XDG_CACHE_HOME: "not/absolute" }, "/home/ada/.cache/flashsloth"],
    ["linux", { XDG_CACHE_HOME: "/big/cache", FLASHSLOTH_HOME: "/models" }, "/models"],
    ["linux", { FLASHSLOTH_HOME: "" }, "/home/ada/.cache/flashsloth"],
    ["darwin", {}, "/home/ada/Library/Caches/flashsloth"],
    ["win32", { LOCALAPPDATA: "/local" }, "/local/flashsloth/Cache"],
    ["win32", {}, "/home/ada/AppData/Local/flashsloth/Cache"],
  ] as const)("on %s with %j is %s", (platform, env, expected) => {
    expect(storeHome({ platform, env, userHome })).toBe(expected);
  });

  it("is absolute when FLASHSLOTH_HOME is not", () => {
    expect(storeHome({ env: { FLASHSLOTH_HOME: "here" } })).toBe(resolve("here"));
    expect(storePaths("/x").models).toBe(join("/x", "models"));
  });
});

describe("names of models", () => {
  it("are those of the published repositories", () => {
    expect(CATALOGUE.map(({ name, repo }) => [name, repo])).toEqual([
      ["flashsloth-3.2b", "Tongbo/FlashSloth-3.2B"],
      ["flashsloth-hd-3.2b", "Tongbo/FlashSloth_HD-3.2B"],
    ]);
    expect(parseModelName("FlashSloth-3.2B")).toMatchObject({ name: "flashsloth-3.2b" });
    expect(parseModelName("hf:Tongbo/FlashSloth-3.2B")).toMatchObject({ name: "flashsloth-3.2b" });
    expect(parseModelName("./demo")).toBeUndefined();
  });

  it("hold a repository and perhaps a revision, each in a folder of its own", () => {
    expect(parseModelName("hf:a/b@refs/pr/1")).toEqual({
      kind: "hub",
      name: "hf:a/b@refs/pr/1",
      folder: "a--b@refs--pr--1",
      repo: "a/b",
      revision: "refs/pr/1",
    });
  });

  it.each([
    "hf:",
    "hf:a",
    "hf:a/b/c",
    "hf:a/b@",
    "hf:a/b@c@d",
    "hf:../b",
    "hf:a/..",
    "hf:a/b c",
    "hf:a/b@-x",
  ])("refuse %j", (text) => {
    expect(() => parseModelName(text)).toThrow("names no hub repository");
  });

  it.each([
    ["flashsloth", "flashsloth-3.2b"],
    ["flashsloth-hd", "flashsloth-hd-3.2b"],
    ["FLASHSLOTH-3.2", "flashsloth-3.2b"],
    ["deno", "demo"],
    ["x", undefined],
    ["llama-3.2-1b-instruct", undefined],
    ["", undefined],
  ])("are guessed: %j is %j", (text, expected) => {
    expect(closestName(text, ["flashsloth-3.2b", "flashsloth-hd-3.2b", "demo"])).toBe(expected);
  });
});
