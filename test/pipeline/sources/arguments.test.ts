import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import type { Job } from "../../../src/pipeline/job.ts";
import { argumentJobs, type ArgumentsOptions } from "../../../src/pipeline/sources/arguments.ts";
import { asOrdinaryUser, png } from "../../image/make.ts";

const PNG = png({ width: 1, height: 1, depth: 8, colour: 0 }, Uint8Array.of(0, 9));

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-inputs-"));
  await chmod(folder, 0o755);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function put(name: string, content: string | Uint8Array = PNG): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}

const QUESTIONS = [{ text: "q" }];

async function gather(options: Omit<ArgumentsOptions, "questions">): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const job of argumentJobs({ ...options, questions: QUESTIONS })) jobs.push(job);
  return jobs;
}

/** Labels relative to the test's folder; a failed one with its code. */
function labels(jobs: readonly Job[]): string[] {
  return jobs.map((entry) => {
    const label = entry.label.replace(`${folder}/`, "");
    return "error" in entry ? `${label}: ${entry.error.code}` : label;
  });
}

async function* chunks(...parts: (Uint8Array | string)[]): AsyncGenerator<Uint8Array | string> {
  yield* parts;
}

describe("argumentJobs", () => {
  it("keeps files in the order given, as they were written, unopened", async () => {
    const second = await put("b.png");
    const first = await put("a.txt", "text");
    expect(await gather({ arguments: [second, first, second] })).toEqual([
      { label: second, input: second, questions: QUESTIONS },
      { label: first, input: first, questions: QUESTIONS },
      { label: second, input: second, questions: QUESTIONS },
    ]);
  });

  it("takes a folder's pictures by their content, sorted by bytes, hidden ones left out", async () => {
    for (const name of ["b.png", "a10.png", "a9", "Z.png", "\u00e9.png", "\u{1f600}.png", "\uff21.png"])
      await put(name);
    await put("photo.heic", "\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    await put("notes.jpg", "only text");
    await put("empty.png", "");
    await put(".hidden.png");
    await put("inside/c.png");
    await symlink(join(folder, "b.png"), join(folder, "link"));
    execFileSync("mkfifo", [join(folder, "pipe.png")]);
    expect(labels(await gather({ arguments: [folder] }))).toEqual([
      "Z.png",
      "a10.png",
      "a9",
      "b.png",
      "link",
      "photo.heic",
      "\u00e9.png",
      "\uff21.png",
      "\u{1f600}.png",
    ]);
  });

  it("goes into folders only when asked, and never through links", async () => {
    await put("one.png");
    await put("deep/er/two.png");
    await put(".git/three.png");
    await symlink(folder, join(folder, "deep/up"));
    expect(labels(await gather({ arguments: [folder] }))).toEqual(["one.png"]);
    expect(labels(await gather({ arguments: [folder], recursive: true }))).toEqual([
      "deep/er/two.png",
      "one.png",
    ]);
    expect(labels(await gather({ arguments: [join(folder, "deep/up")] }))).toEqual(["deep/up/one.png"]);
  });

  it("reports each bad argument in its place and goes on", async () => {
    const good = await put("good.png");
    const bare = join(folder, "bare");
    await put("bare/notes.txt", "text");
    await put("bare/inside/x.png");
    const absent = join(folder, "absent.png");
    const entries = await gather({ arguments: [absent, bare, good] });
    expect(labels(entries)).toEqual(["absent.png: image-not-found", "bare: image-not-found", "good.png"]);
    expect(entries[0]).toMatchObject({ error: { message: `no such file or folder: ${absent}` } });
    expect(entries[1]).toMatchObject({
      error: { message: `no pictures in the folder ${bare}`, hint: expect.stringContaining("-r") },
    });
    const [deep] = await gather({ arguments: [join(folder, "bare/inside")], recursive: true });
    expect(deep).toHaveProperty("input");
  });

  it("gives an empty folder no advice that cannot help", async () => {
    const [entry] = await gather({ arguments: [folder], recursive: true });
    expect(entry).toMatchObject({ error: { code: "image-not-found", hint: undefined } });
  });

  it("names a folder, and a file in a folder, that may not be read", async () => {
    const closed = join(folder, "closed");
    await mkdir(closed, { mode: 0 });
    await put("open.png");
    const secret = await put("secret.png");
    await chmod(secret, 0);
    const [entry] = await asOrdinaryUser(() => gather({ arguments: [closed] }));
    expect(entry).toMatchObject({
      label: closed,
      error: { code: "image-unreadable", message: `no permission to read ${closed}` },
    });
    const all = await asOrdinaryUser(() => gather({ arguments: [folder], recursive: true }));
    expect(labels(all)).toEqual(["closed: image-unreadable", "open.png", "secret.png: image-unreadable"]);
  });

  it("knows each picture by its path inside its folder, and opens only what is wanted", async () => {
    await put("in/a.png");
    await put("in/deep/b.png");
    await chmod(await put("in/secret.png"), 0);
    const asked: string[] = [];
    const wanted = (name: string): boolean => asked.push(name) > 0 && name === "deep/b.png";
    const given = { arguments: [join(folder, "in")], recursive: true };
    const jobs = await asOrdinaryUser(() => gather({ ...given, wanted }));
    expect(jobs).toMatchObject([{ label: join(folder, "in/deep/b.png"), name: "deep/b.png" }]);
    expect(asked).toEqual(["a.png", "deep/b.png", "secret.png"]);
    expect(await gather({ ...given, wanted: () => false })).toEqual([]);
  });

  it("reads a picture from standard input, once", async () => {
    const half = PNG.length / 2;
    const stdin = chunks(PNG.subarray(0, half), PNG.subarray(half));
    const [first, second] = await gather({ arguments: ["-", "-"], stdin });
    expect(first).toMatchObject({ label: "-", input: new Uint8Array(PNG) });
    expect(second).toMatchObject({ label: "-", error: { code: "usage" } });
  });

  it("says that standard input is empty or broken", async () => {
    const [empty] = await gather({ arguments: ["-"], stdin: chunks() });
    expect(empty).toMatchObject({ error: { code: "image-invalid", message: "standard input is empty" } });
    const broken: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("EIO")) }),
    };
    const [failed] = await gather({ arguments: ["-"], stdin: broken });
    expect(failed).toMatchObject({ error: { code: "image-unreadable" } });
    expect(failed && "error" in failed && failed.error).toBeInstanceOf(FlashSlothError);
  });
});
