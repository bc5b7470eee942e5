import { describe, expect, it } from "vitest";
import { completeLine, type CompleteOptions } from "../../src/chat/complete.ts";
import { COMMANDS } from "../../src/chat/commands.ts";

const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  ".": ["cat.jpg", "cat two.png", "notes.md", "holidays/", ".hidden.jpg", "evil\u001b[2J.png", "it's.png"],
  "holidays/": ["beach.webp", "list.txt", "more/"],
  "/home/ann/": ["me.jpg"],
  "texts/": ["a.txt", "b.txt"],
  "/": ["home/", "image.png"],
};

const options: CompleteOptions = {
  home: "/home/ann",
  windows: false,
  list: async (folder) => {
    const names = FOLDERS[folder];
    if (names === undefined) throw new Error("no such folder");
    return names.map((name) => ({ name: name.replace(/\/$/, ""), isFolder: name.endsWith("/") }));
  },
};

async function after(line: string): Promise<readonly string[]> {
  const { candidates, typed } = await completeLine(line, options);
  expect(line.endsWith(typed)).toBe(true);
  for (const candidate of candidates) expect(candidate.startsWith(typed)).toBe(true);
  return candidates;
}

describe("Tab", () => {
  it("goes on with the commands' names", async () => {
    expect(await after("/")).toHaveLength(COMMANDS.length);
    expect(await after("/i")).toEqual(["/image "]);
    expect(await after("/exi")).toEqual(["/exit"]);
  });

  it("goes on with pictures and folders after /image", async () => {
    expect(await after("/image ")).toEqual(["cat two.png", "cat.jpg", "holidays/", "it's.png"]);
    expect(await after("/image ca")).toEqual(["cat two.png", "cat.jpg"]);
    expect(await after("/image cat t")).toEqual(["cat two.png"]);
    expect(await after("/image holidays/")).toEqual(["holidays/beach.webp", "holidays/more/"]);
    expect(await after("/img .h")).toEqual([".hidden.jpg"]);
    expect(await after("/image ~/m")).toEqual(["~/me.jpg"]);
    expect(await after("/image texts/")).toEqual(["texts/a.txt", "texts/b.txt"]);
    expect(await after("/image nowhere/x")).toEqual([]);
  });

  it("goes on as the name was begun: in quotes, or with backslashes", async () => {
    expect(await after('/image "cat t')).toEqual(['"cat two.png"']);
    expect(await after(String.raw`/image cat\ t`)).toEqual([String.raw`cat\ two.png`]);
    expect(await after("/image 'holi")).toEqual(["'holidays/"]);
  });

  it("goes on with any file after /save", async () => {
    expect(await after("/save no")).toEqual(["notes.md"]);
  });

  it("goes on with a path that begins a line", async () => {
    expect(await after("/im")).toEqual(["/image "]);
    expect(await after("/ho")).toEqual(["/home/"]);
    expect(await after("~/")).toEqual(["~/me.jpg"]);
    expect(await after("./ca")).toEqual([]);
  });

  it("never offers what a terminal would obey, nor anything in a question", async () => {
    expect((await after("/image ev")).join("")).toBe("");
    expect(await after("is it a ca")).toEqual([]);
    expect(await after("")).toEqual([]);
    expect(await after("/exit ")).toEqual([]);
  });
});
