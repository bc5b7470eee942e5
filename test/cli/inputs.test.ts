import { execFileSync } from "node:child_process";
import { appendFile, copyFile, mkdir, open, readFile, symlink, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { LoopbackServer } from "../addresses/server.ts";
import { BINARY, drawing, finished, lines, Place, QUESTION, RED_CIRCLE, says } from "./binary.ts";

const place = new Place();
/** Drawings with one circle each, by the color that the demo model sees. */
const [RED, OTHER] = [RED_CIRCLE, drawing("086.png")];

beforeAll(async () => {
  await place.convertDemo();
  await copyFile(RED, place.path("red.png"));
  await copyFile(OTHER, place.path("other.png"));
});

interface Parsed {
  readonly image: string;
  readonly id?: string | number;
  readonly question: string;
  readonly answer?: string;
  readonly cached?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
  readonly ms?: { readonly vision: number };
}

/** A line of an OpenAI batch. */
function batchLine(id: string, image: string): string {
  const content = [
    { type: "text", text: QUESTION },
    { type: "image_url", image_url: { url: image } },
  ];
  const body = { model: "any", max_tokens: 5, messages: [{ role: "user", content }] };
  return JSON.stringify({ custom_id: id, method: "POST", url: "/v1/chat/completions", body });
}

function records(stdout: string): Parsed[] {
  return lines(stdout).map((line) => JSON.parse(line) as Parsed);
}

const ASK = ["ask", "-m", "demo", "--quiet", "--max-tokens", "4"];

describe("--files-from", () => {
  it("answers what a list names, in its order, after the pictures that are named before", async () => {
    await writeFile(place.path("list.txt"), "other.png\nnosuch.png\n\nred.png\n");
    const { status, stdout } = await place.run([...ASK, "red.png", "--files-from", "list.txt", QUESTION]);
    expect(status).toBe(3);
    expect(lines(stdout).map((line) => line.split(":")[0])).toEqual(["red.png", "other.png", "red.png"]);
    expect(lines(stdout)[0]).toBe("red.png: Red.");
  });

  it("answers each name before the next one comes", async () => {
    const words = [...ASK, "--no-cache", "--files-from", "-", "-q", QUESTION];
    const child = place.start(process.execPath, [BINARY, ...words], { stdin: null });
    const all = finished(child);
    for (const name of ["red.png", "other.png", "red.png"]) {
      const said = says(child.stdout, `${name}: `);
      child.stdin.write(`${name}\n`);
      await said; // for ever, if it waited for the next
    }
    child.stdin.end();
    const { status, stdout } = await all;
    expect({ status, names: lines(stdout).length }).toEqual({ status: 0, names: 3 });
  });

  it("looks the same for one name, whenever the list ends", async () => {
    const file = await place.run([...ASK, "--files-from", "-", QUESTION], { stdin: "red.png\n" });
    expect(file).toMatchObject({ status: 0, stdout: "red.png: Red.\n" });
  });

  it("takes names of any bytes from find -print0", async () => {
    const folder = place.path("odd names");
    await mkdir(folder);
    const names = [Buffer.from("two\nlines.png"), Buffer.from('it\'s "\x1b[31m".png'), Buffer.of(0xff, 0xfe)];
    for (const name of names) await copyFile(RED, Buffer.concat([Buffer.from(`${folder}/`), name]));
    const listed = await place.bash(
      `find 'odd names' -type f -print0 | $flashsloth ${ASK.join(" ")} --json -0 --files-from - '${QUESTION}'`,
    );
    expect(listed.status).toBe(0);
    expect(
      records(listed.stdout)
        .map(({ image }) => image)
        .toSorted(),
    ).toEqual(["odd names/\\xff\\xfe", 'odd names/it\'s "\x1b[31m".png', "odd names/two\nlines.png"]);
    const walked = await place.run([...ASK, "odd names", QUESTION]);
    expect(walked.stdout).toContain("odd names/two\\x0alines.png: Red.\n");
    expect(walked.stdout).toContain("\\x1b[31m");
    expect(lines(walked.stdout)).toHaveLength(3);
  });

  it("ends when it is told to, while the list is still open", async () => {
    const words = [...ASK, "--files-from", "-", "-q", QUESTION];
    const child = place.start(process.execPath, [BINARY, ...words], { stdin: null });
    const all = finished(child);
    const said = says(child.stdout, "red.png: ");
    child.stdin.write("red.png\n");
    await said;
    child.kill("SIGINT");
    expect(await all).toMatchObject({ status: 130, stdout: "red.png: Red.\n" });
  });

  it("ends with whoever reads its answers, while the list is still open", async () => {
    const words = [...ASK, "--files-from", "-", "-q", QUESTION];
    const child = place.start(process.execPath, [BINARY, ...words], { stdin: null });
    const said = says(child.stdout, "red.png: ");
    const end = new Promise((ended) => child.on("exit", (status) => ended(status)));
    child.stdin.write("red.png\n");
    await said;
    child.stdout.destroy();
    child.stdin.write("other.png\n");
    expect(await end).toBe(0);
  });
});

describe("options that do not go together", () => {
  it.each([
    [["-0", RED, "q"], /-0 needs --files-from/],
    [["--image-dir", "x", RED, "q"], /--image-dir needs --questions/],
    [["--files-from", "a", "--questions", "b"], /both name the pictures/],
    [["--questions", "a", RED], /has no place here/],
    [["--files-from", "-", "-", "-q", "q"], /only once, and --files-from reads it/],
    [["--files-from", "nosuch", "q"], /nosuch cannot be read: it is not there/],
    [["--files-from", "red.png", "-o", "red.png", "q"], /would overwrite red\.png/],
  ])("%j", async (words, message) => {
    const { status, stdout, stderr } = await place.run(["ask", "-m", "demo", ...words]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

describe("--questions", () => {
  it("asks each row its own, of one look at each picture, and goes on after a bad one", async () => {
    const rows = [
      { image: "red.png", question: QUESTION, id: 1 },
      { image: "red.png", question: "Is there a red circle?", choices: ["yes", "no"] },
      { image: "red.png" },
      { image: "other.png", id: "x" },
      { image: "gone.png", id: 4 },
    ];
    const text = rows.map((row) => JSON.stringify(row)).join("\n");
    await writeFile(place.path("rows.jsonl"), `${text}\n{"image"\n`);
    const words = [...ASK, "--no-cache", "--json", "--questions", "rows.jsonl", "-q", QUESTION];
    const { status, stdout, stderr } = await place.run(words);
    expect(status).toBe(3);
    const answered = records(stdout);
    expect(answered.map(({ id }) => id)).toEqual([1, undefined, undefined, "x", 4, undefined]);
    expect(answered.map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      "image-not-found",
      "question-invalid",
    ]);
    expect(answered[0]).toMatchObject({ answer: "Red." });
    expect(answered[1]).toMatchObject({ answer: "yes" });
    expect(answered.map(({ cached = false }) => cached)).toEqual([false, true, true, false, false, false]);
    expect(stderr).toMatch(/^error: rows\.jsonl:6: no JSON/m);
    expect(stderr).toMatch(/^hint: /m);
  });

  it("reads an OpenAI batch from a pipe, pictures in it included", async () => {
    const url = `data:image/png;base64,${(await readFile(RED)).toString("base64")}`;
    const stdin = `${batchLine("a", url)}\n${batchLine("b", "data:image/png;base64,AAAA")}\n${batchLine("c", "other.png")}\n`;
    const { status, stdout } = await place.run([...ASK, "--json", "--questions", "-"], { stdin });
    expect(status).toBe(3);
    const answered = records(stdout);
    expect(answered.map(({ id, error }) => [id, error?.code])).toEqual([
      ["a", undefined],
      ["b", "image-invalid"],
      ["c", undefined],
    ]);
    expect(answered[0]).toMatchObject({ answer: "Red.", question: QUESTION });
    expect(answered[0]?.image.length).toBeLessThan(60);
  });

  it("prints the question of each line, where there is no JSON", async () => {
    const stdin = `image,question\n${RED},${QUESTION}\n`;
    const { stdout } = await place.run([...ASK, "--questions", "-"], { stdin });
    expect(stdout).toBe(`${RED}: ${QUESTION} Red.\n`);
  });
});

describe("a URL", () => {
  const server = new LoopbackServer((request, response) => {
    if (request.url === "/red.png") void readFile(RED).then((bytes) => response.end(bytes));
    else if (request.url === "/slow") response.writeHead(200).write("\x89PNG\r\n\x1a\n", "latin1");
    else response.writeHead(404).end();
  });

  it("is a picture; the record carries it", async () => {
    const { origin } = server;
    const urls = [`${origin}/red.png`, `${origin}/gone.png`];
    const { status, stdout } = await place.run([...ASK, "--json", ...urls, QUESTION]);
    expect(status).toBe(3);
    expect(records(stdout)).toMatchObject([
      { image: urls[0], answer: "Red." },
      { image: urls[1], error: { code: "image-not-found" } },
    ]);
  });

  it("holds nobody up who has had enough", async () => {
    const words = ["ask", "-m", "demo", `${server.origin}/slow`, QUESTION];
    const child = place.start(process.execPath, [BINARY, ...words]);
    const end = finished(child);
    while (!server.requests.includes("/slow")) await wait(20);
    await wait(500);
    const before = Date.now();
    child.kill("SIGINT");
    await end;
    expect(Date.now() - before).toBeLessThan(10_000);
    expect([...server.sockets].every((socket) => socket.destroyed)).toBe(true);
  });
});

describe("a HEIC", () => {
  it("is answered, and leaves the process free to end", async () => {
    const picture = resolve(import.meta.dirname, "../image/heic/grid.heic");
    const start = Date.now();
    const { status, stdout, stderr } = await place.run([...ASK, "--json", picture, QUESTION]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(records(stdout)).toMatchObject([{ image: picture, finish: expect.any(String) as string }]);
    const plain = Date.now();
    await place.run([...ASK, "--json", RED, QUESTION]);
    // its decoder would be kept for ten seconds
    expect(plain - start).toBeLessThan(2 * (Date.now() - plain) + 6000);
  });
});

describe("what is no file to read", () => {
  it("has a record each, and holds nothing up", async () => {
    execFileSync("mkfifo", [place.path("pipe.png")]);
    await symlink("circle.png", place.path("circle.png"));
    await symlink("red.png", place.path("link.png"));
    const long = "x".repeat(300);
    const images = [
      "pipe.png",
      "/dev/zero",
      "/dev/null",
      "circle.png",
      "link.png",
      "a\0b.png",
      long,
      "red.png/x",
    ];
    const list = place.path("strange.list");
    await writeFile(list, images.map((image) => `${image}\0`).join(""));
    const words = [...ASK, "--json", "-0", "--files-from", list, QUESTION];
    const { status, stdout } = await place.run(words);
    expect(status).toBe(3);
    expect(records(stdout).map(({ image, error }) => [image.slice(0, 10), error?.code])).toEqual([
      ["pipe.png", "image-unreadable"],
      ["/dev/zero", "image-unreadable"],
      ["/dev/null", "image-unreadable"],
      ["circle.png", "image-not-found"],
      ["link.png", undefined],
      ["a", "image-not-found"],
      ["b.png", "image-not-found"],
      ["x".repeat(10), "image-not-found"],
      ["red.png/x", "image-not-found"],
    ]);
  });

  it("may grow and shrink while it is read", async () => {
    const bytes = await readFile(drawing("120.png"));
    const path = place.path("shrinking.png");
    await writeFile(path, bytes);
    const handle = await open(path, "r+");
    const enough = new AbortController();
    const shrinking = (async () => {
      while (!enough.signal.aborted) {
        await handle.truncate(bytes.byteLength >> 1);
        await wait(1);
        await appendFile(path, bytes.subarray(bytes.byteLength >> 1));
        await wait(1);
      }
    })();
    const stdin = "shrinking.png\n".repeat(200);
    const { stdout } = await place.run([...ASK, "--json", "--files-from", "-", QUESTION], { stdin });
    enough.abort();
    await shrinking;
    await handle.close();
    const codes = new Set(records(stdout).map(({ error }) => error?.code));
    expect(records(stdout)).toHaveLength(200);
    expect([...codes].every((code) => code === undefined || code === "image-invalid")).toBe(true);
  });
});
