import { copyFile, mkdir, readFile, stat } from "node:fs/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { drawing, Place, QUESTION, RED_CIRCLE } from "./binary.ts";
import { random } from "../random.ts";
import { CTRL_C, CTRL_D, ENTER, onTerminal, pasted, TAB, UP, type OnTerminal } from "./pty.ts";

const place = new Place();
const PROMPT = "> ";
/** Where a prompt stands at the beginning of a line. */
const READY = /(?:^|[\r\n]|\p{Cc}\[0J)> (?:\p{Cc}\[3G)?$/u;
const ESCAPE = "\u001b";
/** Shown when a line was taken. */
const TAKEN = `${ESCAPE}[?2004l`;
const LEAVING = "Ctrl-D or /exit leaves";
let chat: OnTerminal;

function begin(words = `'${RED_CIRCLE}'`, env: Readonly<Record<string, string>> = {}): OnTerminal {
  return onTerminal(place, `exec $flashsloth chat -m demo --no-color ${words}`, { env });
}

/** Asks, and gives what was shown until the next prompt. */
async function ask(question: string): Promise<string> {
  chat.type(question + ENTER);
  await chat.until(TAKEN);
  return await chat.until(READY);
}

beforeAll(async () => {
  await place.convertDemo();
  await mkdir(place.path("pictures"));
  await copyFile(RED_CIRCLE, place.path("pictures/red circle.png"));
  await copyFile(drawing("003.png"), place.path("pictures/square.png"));
});

describe("the history of a chat", () => {
  it("is there in the next one, and in two at once", async () => {
    await expect(readFile(place.path("store/chat-history"), "utf8")).rejects.toMatchObject({
      code: "ENOENT",
    });
    chat = begin();
    await chat.until(READY);
    const other = begin();
    await other.until(READY);
    await ask(QUESTION);
    chat.type(`What color\\${ENTER}`);
    await chat.until(". ");
    await ask("is it?");
    await ask(" a secret");
    other.type(`/help${ENTER}`);
    await other.until(TAKEN);
    await other.until(READY);
    for (const each of [chat, other]) {
      each.type(CTRL_D);
      expect(await each.ended).toBe(0);
    }
    const kept = (await readFile(place.path("store/chat-history"), "utf8")).trim().split("\n");
    expect(kept.map((line) => JSON.parse(line) as string)).toEqual([QUESTION, "What color\nis it?", "/help"]);
    expect((await stat(place.path("store/chat-history"))).mode & 0o777).toBe(0o600);
    chat = begin();
    await chat.until(READY);
    chat.type(UP);
    await chat.until("/help");
    chat.type(UP);
    await chat.until("What color⏎is it?");
    chat.type(UP);
    await chat.until(QUESTION);
    expect(await ask("")).toContain("Red.\r\n");
    chat.type(CTRL_D);
    expect(await chat.ended).toBe(0);
  });
});

describe("chat on a terminal", () => {
  beforeEach(async () => {
    chat = begin();
    await chat.until(READY);
  });
  afterEach(async () => {
    chat.type(CTRL_C + CTRL_D);
    await chat.ended;
  });

  it("says how to leave, answers, knows what was said, and leaves by Ctrl-D", async () => {
    expect(chat.shown).toContain(`looking at ${RED_CIRCLE}, 256 x 256`);
    expect(chat.shown).toContain("Ctrl-D leaves");
    expect(await ask(QUESTION)).toContain("Red.\r\n");
    expect(await ask("How many shapes are there?")).toContain("Five.\r\n");
    chat.type(CTRL_D);
    expect(await chat.ended).toBe(0);
    expect(chat.shown.replaceAll(new RegExp(`${ESCAPE}\\[[?\\d;]*[a-zA-Z]`, "g"), "")).toMatch(/> \r\n$/);
  });

  it("leaves by /exit", async () => {
    chat.type(`/exit${ENTER}`);
    expect(await chat.ended).toBe(0);
  });

  it("stops the answer and not the program at Ctrl-C, keeps what was said, and goes on", async () => {
    chat.type(`/exit${ENTER}`);
    await chat.ended;
    chat = begin(`'${RED_CIRCLE}' --temperature 100 --seed 6 --max-tokens 100000`);
    await chat.until(READY);
    chat.type(`Tell me all.${ENTER}`);
    await chat.until(/\p{Cc}\[\?25h\S/u); // the first words of an answer of hundreds of tokens
    chat.type(CTRL_C);
    expect(await chat.until(READY)).toContain("stopped\r\n");
    const notes = place.path("stopped.md");
    await ask(`/save ${notes}`);
    expect(await readFile(notes, "utf8")).toContain("*(stopped)*");
    chat.type(CTRL_D);
    expect(await chat.ended).toBe(0);
  });

  it("forgets a line at Ctrl-C, and says at an empty one how to leave", async () => {
    chat.type("nonsense");
    await chat.until("nonsense");
    chat.type(CTRL_C);
    expect(await ask(QUESTION)).toContain("Red.\r\n");
    chat.type(CTRL_C);
    await chat.until(LEAVING);
    await chat.until(READY);
    expect(chat.shown.split(LEAVING)).toHaveLength(2);
    expect(await ask(QUESTION)).toContain("Red.\r\n");
  });

  it("goes on after a backslash, and takes a paste of several lines as one question", async () => {
    chat.type(`What color\\${ENTER}`);
    await chat.until(". ");
    expect(await ask("is the circle?")).toContain("Red.\r\n");
    chat.type(pasted("What color\nis the circle?\n"));
    await chat.until("⏎");
    expect(await ask("")).toContain("Red.\r\n");
    const notes = place.path("lines.json");
    await ask(`/save ${notes}`);
    const { conversations } = JSON.parse(await readFile(notes, "utf8")) as {
      conversations: { turns: { question: string }[] }[];
    };
    const question = "What color\nis the circle?";
    expect(conversations[0]?.turns.map((turn) => turn.question)).toEqual([question, question]);
  });

  it("completes commands and pictures with Tab", async () => {
    chat.type("/im");
    chat.type(TAB);
    await chat.until("/image ");
    chat.type(`${place.directory}/pic`);
    chat.type(TAB);
    await chat.until("/pictures/");
    chat.type("sq");
    chat.type(TAB);
    await chat.until("square.png");
    expect(await ask("")).toContain("square.png, 126 x 126\r\n");
    expect(await ask("What color is the square?")).toContain("Purple.\r\n");
  });

  it.each([
    ["in quotes", (path: string) => `'${path}' `],
    ["with backslashes", (path: string) => `${path.replaceAll(" ", String.raw`\ `)} `],
    ["as a URL", (path: string) => `file://${path.replaceAll(" ", "%20")}\r\n`],
    ["as it is", (path: string) => path],
  ])("looks at a picture that is dropped on it %s", async (_, written) => {
    await ask(`/image ${place.path("pictures/square.png")}`);
    chat.type(pasted(written(place.path("pictures/red circle.png"))));
    expect(await ask("")).toContain("red circle.png, 256 x 256\r\n");
    expect(await ask(QUESTION)).toContain("Red.\r\n");
  });

  it("asks what is typed behind a dropped picture", async () => {
    chat.type(pasted(`'${place.path("pictures/square.png")}' `));
    expect(await ask("What color is the square?")).toContain("Purple.\r\n");
  });

  it("shows where the model looked, and goes on", async () => {
    await ask(QUESTION);
    expect(await ask("/explain")).toContain("EmbQ attention");
    expect(await ask(QUESTION)).toContain("Red.\r\n");
  });

  it("stays with its picture where there is no other", async () => {
    expect(await ask("/image nosuch.png")).toContain("error: no such file or folder: nosuch.png\r\n");
    expect(await ask(`/image ${place.binary}`)).toContain(`hint: still looking at ${RED_CIRCLE}\r\n`);
    expect(await ask(QUESTION)).toContain("Red.\r\n");
  });

  it("shows control characters of a file's name and never obeys them", async () => {
    const evil = place.path("pictures/\u009b2J.png");
    await copyFile(RED_CIRCLE, evil);
    expect(await ask(`/image file://${place.directory}/pictures/%C2%9B2J.png`)).toContain(
      String.raw`\x9b2J.png`,
    );
    expect(chat.shown).not.toContain("\u009b");
  });

  it("takes whatever is typed, and goes on", async () => {
    const next = random(31);
    // those that end, stop or suspend a program, or what a terminal shows
    const special = new Set([0x03, 0x04, 0x0a, 0x0d, 0x11, 0x13, 0x1a, 0x1c]);
    const bytes = Array.from({ length: 4000 }, () => Math.floor(next() * 256)).filter(
      (byte) => !special.has(byte),
    );
    chat.type(Buffer.from([...bytes, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf0, 0x9f]));
    await ask(`${ESCAPE}[201~${CTRL_C}${CTRL_C}/clear`);
    for (const huge of ["x".repeat(300_000), pasted("y".repeat(300_000))]) {
      chat.type(huge);
      expect(await ask("")).toMatch(/error: the question (needs|is) \d+/);
    }
    await ask("/clear");
    expect(await ask(QUESTION)).toContain("Red.\r\n");
    expect(chat.shown).not.toContain("unexpected failure");
  });

  it("ends by SIGTERM with 143, and gives the terminal back", async () => {
    chat.signal("SIGTERM");
    expect(await chat.ended).toBe(143);
    expect(chat.shown).toContain(TAKEN);
  });

  it("does without its own line editing on a dumb terminal", async () => {
    chat.type(CTRL_D);
    await chat.ended;
    chat = begin(undefined, { TERM: "dumb" });
    await chat.until(PROMPT);
    chat.type(`${QUESTION}\n`);
    await chat.until("Red.\r\n");
    await chat.until(PROMPT);
    chat.type(CTRL_C);
    await chat.until(LEAVING);
    expect(chat.shown).not.toContain("\u001b");
    chat.type(CTRL_D);
    expect(await chat.ended).toBe(0);
  });
});
