import { describe, expect, it } from "vitest";
import { COMMANDS, commandNamed, commandsHelp } from "../../src/chat/commands.ts";
import { readLine, readPath, readPicture, type Line, type LineOptions } from "../../src/chat/line.ts";
import { firstWord, resolved } from "../../src/chat/paths.ts";
import { random } from "../random.ts";

/** A machine with these files. */
function machine(files: readonly string[], windows = false): LineOptions {
  return { home: "/home/ann", windows, exists: async (path) => files.includes(path) };
}

const FILES = [
  "cat.jpg",
  "dog.png",
  "notes",
  "my cat.jpg",
  "it's.png",
  "a",
  "./plain",
  "/pictures/cat.jpg",
  "/pictures/my cat (1).jpg",
  "/pictures/ä b.png",
  "/home/ann/cat.jpg",
  "/image",
  "/pictures",
];

async function read(line: string, files = FILES): Promise<Line> {
  return await readLine(line, machine(files));
}

function picture(path: string, question?: string): Line {
  return question === undefined
    ? { kind: "picture", picture: path }
    : { kind: "picture", picture: path, question };
}

async function named(argument: string): Promise<Line> {
  return await readPicture(argument, machine(FILES));
}

function word(line: string): unknown {
  return firstWord(line, { windows: false });
}

function written(argument: string): string {
  return readPath(argument, machine([]));
}

describe("a line", () => {
  it.each(["", " ", "\t \n"])("may say nothing: %j", async (line) => {
    expect(await read(line)).toEqual({ kind: "nothing" });
  });

  it.each([
    "What is this?",
    "cat",
    "a",
    "notes",
    "is cat.jpg a good name?",
    'what\'s in "it"?',
    "cat.jpeg or dog.jpeg?",
    "1/2 of it?",
    "a line\nand another",
    "C:\\ is no path here",
  ])("is a question: %j", async (line) => {
    expect(await read(line)).toEqual({ kind: "question", question: line });
  });

  it.each([
    ["cat.jpg", "cat.jpg"],
    [" cat.jpg \n", "cat.jpg"],
    ["my cat.jpg", "my cat.jpg"],
    [String.raw`my\ cat.jpg `, "my cat.jpg"],
    ["'my cat.jpg'", "my cat.jpg"],
    ['"my cat.jpg"', "my cat.jpg"],
    ["it's.png", "it's.png"],
    [String.raw`it\'s.png`, "it's.png"],
    [String.raw`'it'\''s.png'`, "it's.png"],
    ["./plain", "./plain"],
    ["/pictures/cat.jpg", "/pictures/cat.jpg"],
    [String.raw`/pictures/my\ cat\ \(1\).jpg `, "/pictures/my cat (1).jpg"],
    ["'/pictures/my cat (1).jpg' ", "/pictures/my cat (1).jpg"],
    ["file:///pictures/my%20cat%20(1).jpg", "/pictures/my cat (1).jpg"],
    ["file:///pictures/%C3%A4%20b.png\r\n", "/pictures/ä b.png"],
    ["file://localhost/pictures/cat.jpg", "/pictures/cat.jpg"],
    ["~/cat.jpg", "/home/ann/cat.jpg"],
    ["/pictures", "/pictures"],
    ["https://example.org/a.jpg", "https://example.org/a.jpg"],
    ["data:image/png;base64,AAAA", "data:image/png;base64,AAAA"],
  ])("names a picture: %j", async (line, path) => {
    expect(await read(line)).toEqual(picture(path));
  });

  it.each([
    ["cat.jpg what is this?", "cat.jpg", "what is this?"],
    ["'my cat.jpg' what's this?", "my cat.jpg", "what's this?"],
    ["/pictures/cat.jpg\nwhat is this?", "/pictures/cat.jpg", "what is this?"],
    [String.raw`my\ cat.jpg is it like dog.png ?`, "my cat.jpg", "is it like dog.png ?"],
    ["https://example.org/a.jpg who?", "https://example.org/a.jpg", "who?"],
  ])("names a picture and asks about it: %j", async (line, path, question) => {
    expect(await read(line)).toEqual(picture(path, question));
  });

  it.each(["cat.jpg dog.png", "'my cat.jpg' /pictures/cat.jpg dog.png", "cat.jpg\ndog.png\n"])(
    "cannot name several: %j",
    async (line) => {
      expect(await read(line)).toMatchObject({
        kind: "mistake",
        message: expect.stringContaining("several pictures"),
      });
    },
  );

  it.each(["nosuch.png", "/pictures/nosuch", "~/nosuch.jpg", "file:///nosuch.jpg", "/pictures/nosuch what?"])(
    "that names a file which is not there is no question: %j",
    async (line) => {
      expect(await read(line)).toMatchObject({
        kind: "mistake",
        message: expect.stringContaining("no such file or folder: "),
      });
    },
  );

  it("is a command, whatever files there are", async () => {
    expect(await read("/image")).toEqual({ kind: "command", name: "image", argument: "" });
    expect(await read(" /IMAGE  my cat.jpg ")).toEqual({
      kind: "command",
      name: "image",
      argument: "my cat.jpg",
    });
    expect(await read("/quit")).toEqual({ kind: "command", name: "exit", argument: "" });
    expect(await read("/?")).toEqual({ kind: "command", name: "help", argument: "" });
    expect(await read("/clear it")).toMatchObject({
      kind: "mistake",
      message: "/clear takes nothing behind it",
    });
  });

  it("that is a command's name and nothing else is no question", async () => {
    expect(await read("exit")).toMatchObject({ kind: "mistake", hint: expect.stringContaining("/exit") });
    expect(await read("exit?")).toMatchObject({ kind: "question" });
  });

  it("with an unknown command says which was meant", async () => {
    expect(await read("/imgae cat.jpg")).toMatchObject({
      message: "there is no command /imgae",
      hint: "did you mean /image? /help lists the commands",
    });
    expect(await read("/zzzzzzzzz")).toMatchObject({ hint: "/help lists the commands" });
  });

  it("is read in time, whatever is in it", async () => {
    const next = random(13);
    const alphabet = [
      "'",
      '"',
      "\\",
      " ",
      "/",
      "~",
      "file://",
      "%",
      "a",
      ".jpg",
      "\n",
      "\0",
      "ü",
      "\u{1f431}",
      "?",
    ];
    for (let round = 0; round < 3000; round++) {
      const length = Math.floor(next() * 30);
      const line = Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)]).join("");
      for (const windows of [false, true]) {
        const meant = await readLine(line, machine(FILES, windows));
        if (meant.kind === "question") expect(meant.question).toBe(line.trim());
        readPath(line, machine(FILES, windows));
        await readPicture(line, machine(FILES, windows));
      }
    }
    const start = performance.now();
    for (const unit of ["'", "\\ ", "a ", "/a/", 'cat.jpg "', "%"]) await read(unit.repeat(300_000));
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

describe("what follows /image", () => {
  it("is a picture, whatever it is called", async () => {
    expect(await named("a")).toEqual(picture("a"));
    expect(await named("notes")).toEqual(picture("notes"));
    expect(await named("my cat.jpg")).toEqual(picture("my cat.jpg"));
    expect(await named("'my cat.jpg'")).toEqual(picture("my cat.jpg"));
    expect(await named("~/cat.jpg")).toEqual(picture("/home/ann/cat.jpg"));
    expect(await named("cat.jpg what is it?")).toEqual(picture("cat.jpg", "what is it?"));
    expect(await named("nothing here")).toMatchObject({ kind: "mistake" });
  });
});

describe("paths", () => {
  it("on Windows keep their backslashes", async () => {
    const options = machine([String.raw`C:\my pictures\cat.jpg`], true);
    const dropped = String.raw`"C:\my pictures\cat.jpg"`;
    expect(await readLine(dropped, options)).toEqual(picture(String.raw`C:\my pictures\cat.jpg`));
    expect(resolved("file:///C:/my%20pictures/cat.jpg", options)).toBe(String.raw`C:\my pictures\cat.jpg`);
  });

  it("are cut off a line as shells write them", () => {
    expect(word(String.raw`"a \"b\" \n" c d`)).toEqual({ text: String.raw`a "b" \n`, rest: "c d" });
    expect(word(String.raw`a'b c'"d"\ e f`)).toEqual({ text: "ab cd e", rest: "f" });
    expect(word("'open")).toBeUndefined();
    expect(word("")).toBeUndefined();
    expect(word("\\")).toEqual({ text: "\\", rest: "" });
  });

  it("to write to are taken as they are, or out of their quotes", () => {
    expect(written("my notes.md")).toBe("my notes.md");
    expect(written("'my notes.md'")).toBe("my notes.md");
    expect(written(String.raw`my\ notes.md`)).toBe("my notes.md");
    expect(written("~/notes.md")).toBe("/home/ann/notes.md");
    expect(written("it's.md")).toBe("it's.md");
  });
});

describe("the table of commands", () => {
  it("names each once", () => {
    const names = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(commandNamed(name)).toBeDefined();
    expect(commandNamed("none")).toBeUndefined();
  });

  it("is the help", () => {
    const help = commandsHelp();
    expect(help).toHaveLength(COMMANDS.length);
    for (const [index, { name, meaning }] of COMMANDS.entries()) {
      expect(help[index]).toMatch(new RegExp(`^/${name}( |$)`));
      expect(help[index]).toContain(meaning);
    }
  });
});
