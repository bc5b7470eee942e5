import { spawnSync } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pathWithDemo } from "../clusters/pictures.ts";
import { drawing, finished, lines, Place, type Finished } from "./binary.ts";

const PAGE = resolve(import.meta.dirname, "../../docs/pipelines.md");
const CAPTION = "Describe the image.";
const NAMES = ["023.png", "001.png", "010.jpg", "004.webp"];

/** The page's commands, as they stand there. */
async function printed(): Promise<string[]> {
  const text = await readFile(PAGE, "utf8");
  return [...text.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ""));
}

function isThere(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

const place = new Place();
let path = "";
let commands: string[] = [];
/** captions of the pictures, each asked by itself */
const captions = new Map<string, string>();
let work = "";
let count = 0;

/** The one command that holds `part`. */
function command(part: string): string {
  const found = commands.filter((text) => text.includes(part));
  expect(found, part).toHaveLength(1);
  return found[0] ?? "";
}

async function run(text: string): Promise<Finished> {
  const ended = await finished(
    place.start("bash", ["-o", "pipefail", "-c", text], { env: { PATH: path }, cwd: work }),
  );
  expect([ended.status, ended.stderr.match(/^error.*$/gm)], ended.stderr).toEqual([0, null]);
  return ended;
}

async function linesOf(name: string): Promise<string[]> {
  return lines(await readFile(join(work, name), "utf8"));
}

function caption(name: string): string {
  const text = captions.get(name);
  if (text === undefined) throw new Error(`no caption of ${name}`);
  return text;
}

const sorted = NAMES.toSorted();

/** A line of an OpenAI batch file. */
function request(name: string): string {
  const content = [
    { type: "text", text: CAPTION },
    { type: "image_url", image_url: { url: name } },
  ];
  const body = { model: "demo", messages: [{ role: "user", content }] };
  return JSON.stringify({ custom_id: basename(name), method: "POST", url: "/v1/chat/completions", body });
}

describe("the printed pipelines", () => {
  beforeAll(async () => {
    await place.convertDemo();
    path = await pathWithDemo(place.path("bin"));
    commands = await printed();
    for (const name of NAMES) {
      const { stdout } = await place.run(["ask", "-m", "demo", drawing(name), CAPTION, "--quiet"]);
      captions.set(name, stdout.trim());
    }
  });

  beforeEach(async () => {
    work = place.path(`work-${count++}`);
    for (const folder of ["photos", "inbox", "red"]) await mkdir(join(work, folder), { recursive: true });
    for (const name of NAMES) await copyFile(drawing(name), join(work, "photos", name));
  });

  it("are all run here", () => {
    const parts = [
      "find photos",
      "uniq -c",
      "@tsv",
      "inotifywait",
      "--sidecar",
      "xargs -0 mv",
      "--questions",
      "exiftool",
    ];
    expect(commands).toHaveLength(parts.length);
    for (const part of parts) command(part);
  });

  it("find", async () => {
    const { stdout } = await run(command("find photos"));
    const told = sorted
      .filter((name) => name.endsWith(".png"))
      .map((name) => `photos/${name}: ${caption(name)}`);
    expect(lines(stdout).toSorted()).toEqual(told);
  });

  it("uniq -c", async ({ skip }) => {
    if (!isThere("jq")) return skip("jq is not installed");
    const { stdout } = await run(command("uniq -c"));
    const rows = lines(stdout).map((line) => line.trim().split(" "));
    expect(rows.reduce((sum, [times]) => sum + Number(times), 0)).toBe(NAMES.length);
    const { stdout: red } = await place.run([
      "ask",
      "-m",
      "demo",
      drawing("023.png"),
      "What color is the circle?",
    ]);
    expect(rows.map(([, answer]) => answer)).toContain(red.trim());
  });

  it("jq", async ({ skip }) => {
    if (!isThere("jq")) return skip("jq is not installed");
    await writeFile(join(work, "photos/000.png"), (await readFile(drawing("023.png"))).subarray(0, 60));
    const text = command("@tsv");
    const ended = await finished(place.start("bash", ["-c", text], { env: { PATH: path }, cwd: work }));
    expect(lines(ended.stdout)).toEqual(sorted.map((name) => `photos/${name}\t${caption(name)}`));
  });

  it("inotifywait", async ({ skip }) => {
    if (!isThere("inotifywait")) return skip("inotify-tools is not installed");
    // a group of its own, as at a terminal: both ends of the pipe are to be stopped
    const child = place.start("setsid", ["bash", "-c", command("inotifywait")], {
      env: { PATH: path },
      cwd: work,
    });
    let said = "";
    child.stdout.on("data", (piece: Buffer) => (said += piece.toString()));
    const ended = finished(child);
    await sleep(1000); // it has no way to say that it watches
    const expected: string[] = [];
    for (const name of ["023.png", "001.png"]) {
      await copyFile(drawing(name), join(work, "part"));
      await rename(join(work, "part"), join(work, "inbox", name));
      expected.push(`inbox/${name}: ${caption(name)}`);
      await expect.poll(() => lines(said), { timeout: 60_000, interval: 50 }).toEqual(expected);
    }
    process.kill(-(child.pid ?? 0), "SIGTERM");
    await ended;
  });

  it("--sidecar and CSV", async () => {
    await run(command("--sidecar"));
    for (const name of NAMES) {
      const beside = name.replace(/\.\w+$/, ".txt");
      expect(await linesOf(`photos/${beside}`)).toEqual([caption(name)]);
    }
    const [header = "", ...rows] = await linesOf("photos.csv");
    const column = header.split(",").indexOf("image");
    expect(rows.map((row) => row.split(",")[column])).toEqual(sorted.map((name) => `photos/${name}`));
    for (const [index, name] of sorted.entries()) expect(rows[index]).toContain(caption(name));
  });

  it("xargs -0 mv", async () => {
    await run(command("xargs -0 mv"));
    const moved = await readdir(join(work, "red"));
    expect(moved).toContain("023.png");
    expect([...moved, ...(await readdir(join(work, "photos")))].toSorted()).toEqual(sorted);
  });

  it("--questions", async () => {
    const rows = [...NAMES.map((name) => `photos/${name}`), "photos/none.png"].map(request);
    await writeFile(join(work, "batch.jsonl"), `${rows.join("\n")}\n`);
    const text = command("--questions");
    const ended = await finished(place.start("bash", ["-c", text], { env: { PATH: path }, cwd: work }));
    expect(ended.status).toBe(3);
    const results = (await linesOf("results.jsonl")).map(
      (line) =>
        JSON.parse(line) as {
          custom_id: string;
          response: { status_code: number; body: { choices?: { message: { content: string } }[] } };
        },
    );
    expect(results.map(({ custom_id: id, response }) => [id, response.status_code])).toEqual([
      ...NAMES.map((name) => [name, 200]),
      ["none.png", 400],
    ]);
    for (const { custom_id: id, response } of results.slice(0, -1)) {
      expect(response.body.choices?.[0]?.message.content).toBe(caption(id));
    }
  });

  it("exiftool", async ({ skip }) => {
    const missing = ["jq", "exiftool"].filter((program) => !isThere(program));
    if (missing.length > 0) return skip(`${missing.join(" and ")} not installed`);
    await run(command("exiftool"));
    for (const name of NAMES) {
      const { stdout } = spawnSync("exiftool", ["-s3", "-XMP-dc:Description", join(work, "photos", name)], {
        encoding: "utf8",
      });
      expect(stdout.trim()).toBe(caption(name));
    }
  });
});
