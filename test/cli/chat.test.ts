import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { BINARY, drawing, finished, lines, Place, QUESTION, RED_CIRCLE, says } from "./binary.ts";

const place = new Place();
const CHAT = ["chat", "-m", "demo"];
const SQUARE = drawing("003.png");
const NOTE = "the demo model knows drawings of coloured shapes and nothing else\n";

beforeAll(async () => {
  await place.convertDemo();
});

/** Talks through pipes: a line for each. */
async function talk(typed: readonly string[], words: readonly string[] = []): ReturnType<Place["run"]> {
  return place.run([...CHAT, ...words], { stdin: typed.map((line) => `${line}\n`).join("") });
}

describe("chat through pipes", () => {
  it("answers each line with a line, and knows what was said before", async () => {
    const asked = [QUESTION, "", "How many shapes are there?"];
    const { status, stdout, stderr } = await talk(asked, [RED_CIRCLE]);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: `${NOTE}looking at ${RED_CIRCLE}, 256 x 256\n`,
    });
    expect(lines(stdout)).toEqual(["Red.", "Five."]);
  });

  it("does what commands say", async () => {
    const notes = place.path("notes.md");
    const typed = [
      `/image ${RED_CIRCLE}`,
      QUESTION,
      "/clear",
      QUESTION,
      `${SQUARE} What color is the square?`,
      `/save ${notes}`,
      "/help",
      "/exit",
      "What is this?",
    ];
    const { status, stdout, stderr } = await talk(typed, ["--quiet"]);
    expect(status).toBe(0);
    expect(lines(stdout)).toEqual(["Red.", "Red.", "Purple."]);
    expect(stderr).toMatch(/^\/image FILE .*\n(\/.*\n)+/); // help was asked for, and is shown even when quiet
    expect(await readFile(notes, "utf8")).toBe(
      [
        `# ${RED_CIRCLE}`,
        `> ${QUESTION}`,
        "Red.",
        `# ${RED_CIRCLE}`,
        `> ${QUESTION}`,
        "Red.",
        `# ${SQUARE}`,
        "> What color is the square?",
        "Purple.",
        "*Answered by demo.*\n",
      ].join("\n\n"),
    );
  });

  it("shows where it looked for the last answer", async () => {
    const map = place.path("looked.png");
    const typed = [QUESTION, "/explain", `/explain ${map}`, "How many shapes are there?", `/explain ${map}`];
    const { status, stdout, stderr } = await talk(typed, [RED_CIRCLE]);
    expect(status, stderr).toBe(0);
    expect(lines(stdout)).toEqual(["Red.", "Five."]);
    expect(stderr).toContain("EmbQ attention, mean of 9 queries\nentropy 6.13 of 6.34 bits");
    expect(stderr.match(/^[·░▒▓█ ]{36}$/gm)).toHaveLength(18);
    expect(stderr.split(`drawn in ${map}\n`)).toHaveLength(3);
    expect((await readFile(map)).subarray(1, 4).toString()).toBe("PNG");
    const other = place.path("other.png");
    await writeFile(other, "somebody's");
    const refused = ["/explain", QUESTION, `/explain ${place.path("map.jpg")}`, `/explain ${other}`];
    const second = await talk(refused, [RED_CIRCLE]);
    expect(second.status).toBe(3);
    expect(second.stderr).toContain(
      "error: there is no answer yet whose attention could be shown\nhint: ask something",
    );
    expect(second.stderr).toContain("map.jpg is no name for a map\nhint: end it with .png");
    expect(second.stderr).toContain("other.png is there already, and is left as it is");
    expect(await readFile(other, "utf8")).toBe("somebody's");
  });

  it("ends with 3 when some lines failed, with 1 when all did, and says why", async () => {
    const some = await talk([QUESTION, "/save", "/nonsense", QUESTION], [RED_CIRCLE]);
    expect(some.status).toBe(3);
    expect(lines(some.stdout)).toEqual(["Red.", "Red."]);
    expect(some.stderr).toContain("error: /save needs a file's name\n");
    expect(some.stderr).toContain("error: there is no command /nonsense\n");
    const all = await talk([QUESTION]);
    expect(all).toMatchObject({ status: 1, stdout: "\n" });
    expect(all.stderr).toContain("error: there is no picture to ask about\nhint: drop a picture");
  });

  it("asks nothing about an earlier picture when the new one cannot be seen", async () => {
    for (const name of ["/image nosuch.png", "nosuch.png", BINARY]) {
      const { status, stdout, stderr } = await talk([QUESTION, name, QUESTION], [RED_CIRCLE]);
      if (name === BINARY) {
        // a file by its path that is no picture
        expect(stderr).toContain("is not a picture");
      }
      expect({ status, stdout }).toEqual({ status: 3, stdout: "Red.\n\n" });
    }
  });

  it("takes pictures as ask does: URLs, file URLs, HEIC, quoted and escaped paths", async () => {
    const bytes = await readFile(RED_CIRCLE);
    const server = createServer((_, response) => response.end(bytes)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await mkdir(place.path("my pictures"));
    const spaced = place.path("my pictures/it's.png");
    await copyFile(RED_CIRCLE, spaced);
    const given = [
      `http://127.0.0.1:${port}/a.png`,
      pathToFileURL(spaced).href,
      spaced,
      spaced.replaceAll(/[ ']/g, String.raw`\$&`),
      `"${spaced}"`,
      `data:image/png;base64,${bytes.toString("base64")}`,
    ];
    const { status, stdout } = await talk(given.flatMap((name) => [name, QUESTION]));
    server.close();
    expect({ status, answers: lines(stdout) }).toEqual({ status: 0, answers: given.map(() => "Red.") });
    const heic = fileURLToPath(new URL("../image/heic/quarters.heic", import.meta.url));
    const photo = await talk([`${heic} What is this?`]);
    expect(photo.status).toBe(0);
    expect(photo.stderr).toMatch(/looking at .*quarters\.heic, \d+ x \d+\n/);
    const asked = await talk([`${pathToFileURL(spaced).href} ${QUESTION}`]);
    expect(asked).toMatchObject({ status: 0, stdout: "Red.\n" });
  });

  it("refuses at once what cannot be the picture", async () => {
    const missing = await place.run([...CHAT, "nosuch.png"]);
    expect(missing).toMatchObject({
      status: 1,
      stdout: "",
      stderr: "error: no such file or folder: nosuch.png\n",
    });
    expect(await place.run([...CHAT, "-"])).toMatchObject({ status: 2, stdout: "" });
    expect(await place.run([...CHAT, "a.png", "b.png"])).toMatchObject({ status: 2, stdout: "" });
    expect(await place.run([...CHAT, BINARY])).toMatchObject({ status: 1, stdout: "" });
  });

  it("says that the context is full, loses nothing, and goes on after /clear", async () => {
    const full = "error: the question needs ";
    const notes = place.path("full.json");
    const typed = [...Array.from({ length: 40 }, () => QUESTION), `/save ${notes}`, "/clear", QUESTION];
    const { status, stdout, stderr } = await talk(typed, [RED_CIRCLE]);
    const answers = lines(stdout);
    expect(answers).toHaveLength(41);
    const answered = answers.slice(0, 40).findIndex((answer) => answer === "");
    expect(answered).toBeGreaterThan(10);
    expect(answers.slice(answered, 40).join("")).toBe("");
    expect(answers[40]).toBe("Red.");
    expect(status).toBe(3);
    expect(lines(stderr).filter((line) => line.startsWith(full))).toHaveLength(40 - answered);
    expect(stderr).toContain(
      "hint: /clear begins anew with the same picture; /save FILE writes down what was said\n",
    );
    const saved = JSON.parse(await readFile(notes, "utf8")) as { conversations: { turns: object[] }[] };
    expect(saved.conversations.map(({ turns }) => turns.length)).toEqual([answered]);
  });

  it("leaves files alone that it has not written", async () => {
    const mine = place.path("mine.md");
    await writeFile(mine, "mine");
    const own = place.path("own.md");
    const typed = [
      QUESTION,
      `/save ${mine}`,
      `/save ${own}`,
      QUESTION,
      `/save ${own}`,
      `/save ${place.directory}`,
    ];
    const { status, stderr } = await talk(typed, [RED_CIRCLE]);
    expect(status).toBe(3);
    expect(await readFile(mine, "utf8")).toBe("mine");
    expect((await readFile(own, "utf8")).match(/Red\./g)).toHaveLength(2);
    expect(stderr).toContain(`error: ${mine} is there already, and is left as it is`);
    expect(stderr).toContain(`error: ${place.directory} is a folder`);
  });

  it("samples and cuts off as it is told", async () => {
    const wild = ["--temperature", "100", "--seed", "3", "--max-tokens", "5"];
    const first = await talk([QUESTION], [RED_CIRCLE, ...wild]);
    const again = await talk([QUESTION], [RED_CIRCLE, ...wild]);
    expect(first.stdout).toBe(again.stdout);
    expect(first.stderr).toContain(
      "warning: the answer was cut off after 5 tokens; --max-tokens allows longer ones",
    );
    expect(lines(first.stdout)).toHaveLength(1);
    const late = await talk([QUESTION], [RED_CIRCLE, "--timeout", "0.000001"]);
    expect(late).toMatchObject({ status: 1, stdout: "\n" });
    expect(late.stderr).toContain("error: no answer within");
  });

  it("answers each line as soon as it is there, so that a program can talk with it", async () => {
    const child = place.start(process.execPath, [BINARY, ...CHAT, RED_CIRCLE], { stdin: null });
    const end = finished(child);
    for (const [question, answer] of [
      [QUESTION, "Red."],
      ["How many shapes are there?", "Five."],
    ] as const) {
      const heard = says(child.stdout, `${answer}\n`);
      child.stdin.write(`${question}\n`);
      await heard;
    }
    child.stdin.end();
    expect(await end).toMatchObject({ status: 0, stdout: "Red.\nFive.\n" });
  });

  it("writes no history", async () => {
    await talk([QUESTION], [RED_CIRCLE]);
    await expect(readFile(place.path("store/chat-history"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each([
    ["random bytes", randomBytes(20_000)],
    ["invalid UTF-8 and NUL", Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xc3, 0x28, 0x0a, 0xed, 0xa0, 0x80])],
    ["a line without end", Buffer.alloc(3_000_000, "a")],
    ["a long question", Buffer.from(`${"why ".repeat(100_000)}\n`)],
    ["many blank lines", Buffer.alloc(100_000, "\n")],
    ["escape sequences", Buffer.from("\u001b[2J\u001b]0;x\u0007\n\u009b31m\n")],
  ])("takes %s", async (_, stdin) => {
    const { status, signal, stderr } = await place.run([...CHAT, RED_CIRCLE, "--max-tokens", "8"], { stdin });
    expect([0, 1, 3]).toContain(status);
    expect(signal).toBeNull();
    expect(stderr).not.toContain("unexpected failure");
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  });

  it("ends quietly when nobody reads on, and by the first Ctrl-C after the answer in hand", async () => {
    const asked = Array.from({ length: 30 }, () => `/clear\n${QUESTION}\n`).join("");
    const head = await place.bash(
      `printf '${asked.replaceAll("\n", String.raw`\n`)}' | $flashsloth chat -m demo --quiet '${RED_CIRCLE}' | head -1`,
    );
    expect(head).toMatchObject({ status: 0, stdout: "Red.\n", stderr: "" });
    const child = place.start(process.execPath, [BINARY, ...CHAT, RED_CIRCLE], { stdin: null });
    const end = finished(child);
    const heard = says(child.stdout, "Red.\n");
    child.stdin.write(`${QUESTION}\n`);
    await heard;
    child.kill("SIGINT");
    const { status, signal } = await end;
    expect(status === 130 || signal === "SIGINT").toBe(true);
  });
});
