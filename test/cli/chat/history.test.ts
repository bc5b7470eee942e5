import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { History } from "../../../src/cli/chat/history.ts";

describe("the history", () => {
  let folder: string;
  let path: string;
  let history: History;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "flashsloth-history-"));
    path = join(folder, "store", "chat-history");
    history = new History({ path, locks: join(folder, "store", "locks") });
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  it("gives the latest line first, also those of several lines", async () => {
    expect(await history.read()).toEqual([]);
    for (const line of ["one", "two\nlines", "ünicode \u{1f431}"]) await history.add(line);
    expect(await history.read()).toEqual(["ünicode \u{1f431}", "two\nlines", "one"]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("keeps nothing that is blank, very long, or begins with a space", async () => {
    for (const line of ["", " \t", " secret", "x".repeat(10_000)]) await history.add(line);
    expect(await history.read()).toEqual([]);
  });

  it("stays in bounds, and keeps the latest", async () => {
    await mkdir(join(folder, "store"));
    const lines = Array.from({ length: 2000 }, (_, index) => `${JSON.stringify(`line ${index}`)}\n`);
    await writeFile(path, lines.join(""));
    const found = await history.read();
    expect(found).toHaveLength(1000);
    expect([found[0], found[999]]).toEqual(["line 1999", "line 1000"]);
    expect((await readFile(path, "utf8")).split("\n")).toHaveLength(1001);
    expect(await history.read()).toEqual(found);
  });

  it("loses no line of several chats at once, one of which shortens it", async () => {
    await mkdir(join(folder, "store"));
    await writeFile(path, `${JSON.stringify("old")}\n`.repeat(1600));
    const chats = Array.from(
      { length: 4 },
      () => new History({ path, locks: join(folder, "store", "locks") }),
    );
    await Promise.all(
      chats.map(async (chat, index) => {
        for (let line = 0; line < 5; line++) {
          await chat.add(`${index} ${line}`);
          if (index === 0) await chat.read();
        }
      }),
    );
    const found = (await history.read()).filter((line) => line !== "old");
    expect(found.toSorted()).toEqual(
      chats.flatMap((_, index) => [0, 1, 2, 3, 4].map((line) => `${index} ${line}`)),
    );
  });

  it("passes over what is no line of it", async () => {
    await history.add("good");
    await appendFile(path, `{"a": 1}\n"torn\n\u0000\u00ff\n[]\n""\n7\n`);
    await history.add("also good");
    expect(await history.read()).toEqual(["also good", "good"]);
  });

  it("says so where it cannot be kept", async () => {
    await mkdir(path, { recursive: true });
    await expect(history.read()).rejects.toMatchObject({ code: "disk" });
    await expect(history.add("x")).rejects.toMatchObject({ code: "disk" });
    await chmod(path, 0o700);
  });
});
