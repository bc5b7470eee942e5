import { execFileSync } from "node:child_process";
import { mkdtemp, mkdir, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Roots, type RootsOptions } from "../../src/mcp/roots.ts";
import { random } from "../random.ts";

let top = "";
const path = (name: string): string => join(top, name);

beforeAll(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), "flashsloth-roots-")));
  await mkdir(path("root/inner"), { recursive: true });
  await mkdir(path("outside"));
  await writeFile(path("root/inner/a.txt"), "inside");
  await writeFile(path("outside/a.txt"), "outside");
  await symlink(path("root"), path("by-link"));
  await symlink(path("outside"), path("root/swapped"));
});
afterAll(async () => rm(top, { recursive: true, force: true }));

async function rootsOf(options: Partial<RootsOptions> = {}): Promise<Roots> {
  return await Roots.open({ directories: [path("root")], ...options });
}

async function read(roots: Roots, name: string): Promise<string> {
  return await roots.open(await roots.locate(name), async (handle) => handle.readFile("utf8"));
}

const outside = { code: "image-unreadable" };

describe("roots", () => {
  it("open what lies below them, also where they are links themselves", async () => {
    const linked = await rootsOf({ directories: [path("by-link")] });
    for (const roots of [await rootsOf(), linked]) {
      expect(await read(roots, "inner/a.txt")).toBe("inside");
      expect(await read(roots, path("root/inner/a.txt"))).toBe("inside");
    }
    expect(await read(linked, path("by-link/inner/a.txt"))).toBe("inside");
  });

  it("ask the disk about nothing that is outside by its letters", async () => {
    const asked: unknown[] = [];
    const realPath = async (name: unknown): Promise<Buffer> => {
      asked.push(name);
      throw new Error("asked");
    };
    const roots = await rootsOf({ realPath });
    for (const name of ["../outside/a.txt", path("outside/a.txt"), path("rooted"), "/", ".."]) {
      await expect(read(roots, name)).rejects.toMatchObject(outside);
    }
    expect(asked).toEqual([]);
  });

  it.each([
    ["as the system tells", undefined],
    ["as is found where the system does not tell", async () => undefined],
  ])("look at what was opened, %s", async (_, openedPath) => {
    // between the look at the path and the opening, a folder of it became a link that leads out
    let looks = 0;
    const realPath = async (name: string | Buffer): Promise<Buffer> =>
      looks++ === 0 ? Buffer.from(path("root/swapped/a.txt")) : realpath(name, { encoding: "buffer" });
    const roots = await rootsOf({ realPath, openedPath });
    const given: string[] = [];
    const opening = roots.open(path("root/inner/a.txt"), async (handle) => {
      given.push(await handle.readFile("utf8"));
    });
    await expect(opening).rejects.toMatchObject(outside);
    expect([given, looks > 0]).toEqual([[], true]);
    looks = 1;
    expect(await read(roots, "inner/a.txt")).toBe("inside");
  });

  it("neither wait for a pipe nor follow a link that took a file's place", async () => {
    execFileSync("mkfifo", [path("root/pipe")]);
    await symlink(path("outside/a.txt"), path("root/link"));
    const roots = await rootsOf({ realPath: async (name) => Buffer.from(name) });
    const opened = await roots.open(path("root/pipe"), async (handle) => (await handle.stat()).isFIFO());
    expect(opened).toBe(true);
    await expect(read(roots, "link")).rejects.toMatchObject({ code: "image-not-found" });
  });

  it("give nothing from outside while somebody swaps folders for links", async () => {
    await mkdir(path("root/real"));
    await writeFile(path("root/real/a.txt"), "inside");
    await symlink(path("outside"), path("root/evil"));
    const swapping = new AbortController();
    const swap = async (): Promise<void> => {
      while (!swapping.signal.aborted) {
        await rename(path("root/real"), path("root/now"));
        await rename(path("root/now"), path("root/real"));
        await rename(path("root/evil"), path("root/now"));
        await rename(path("root/now"), path("root/evil"));
      }
    };
    const swapper = swap();
    const roots = await rootsOf();
    const heard = new Set<string>();
    for (let round = 0; round < 400; round++) {
      heard.add(await read(roots, "now/a.txt").catch((error: { code: string }) => error.code));
    }
    swapping.abort();
    await swapper;
    expect([...heard].filter((each) => !/^(inside|image-not-found|image-unreadable)$/.test(each))).toEqual(
      [],
    );
  });

  it("hold against names that nobody would type", async () => {
    const next = random(20261128);
    const parts = [
      "..",
      ".",
      "",
      "inner",
      "a.txt",
      "outside",
      "swapped",
      "root",
      "~",
      "%2e%2e",
      "\\..\\",
      "…",
      "\0",
    ];
    const roots = await rootsOf();
    const heads = ["", "/", path("root"), relative(process.cwd(), path("root")), "file://", top];
    for (let round = 0; round < 2000; round++) {
      const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
      const tail = Array.from({ length: Math.floor(next() * 7) }, () => pick(parts)).join("/");
      const name = `${pick(heads)}/${tail}`;
      const text = await read(roots, name).catch((error: { code: string }) => error.code);
      expect(["inside", "image-not-found", "image-unreadable"], JSON.stringify(name)).toContain(text);
    }
  });

  it("are folders", async () => {
    await expect(rootsOf({ directories: [path("root/inner/a.txt")] })).rejects.toMatchObject({
      code: "usage",
    });
    const none = await rootsOf({ directories: [] });
    await expect(read(none, path("root/inner/a.txt"))).rejects.toMatchObject(outside);
  });
});
