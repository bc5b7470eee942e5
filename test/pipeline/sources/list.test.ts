import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job } from "../../../src/pipeline/job.ts";
import { openInput } from "../../../src/pipeline/sources/bytes/input.ts";
import { listJobs, type ListOptions } from "../../../src/pipeline/sources/list.ts";
import { PictureFetcher } from "../../../src/addresses/fetch.ts";
import { png } from "../../image/make.ts";

const PNG = png({ width: 1, height: 1, depth: 8, colour: 0 }, Uint8Array.of(0, 9));
const QUESTIONS = [{ text: "q" }];
/** Names that are no plain words; the third is no UTF-8. */
const ODD = [Buffer.from("a\nb.png"), Buffer.from("'\"\x1b[31m.png"), Buffer.from("\xff\xfe.png", "latin1")];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-list-"));
  for (const name of ["one.png", "two.png"]) await writeFile(join(folder, name), PNG);
  await mkdir(join(folder, "odd"));
  for (const name of ODD) await writeFile(Buffer.concat([Buffer.from(`${folder}/odd/`), name]), PNG);
});
afterAll(async () => rm(folder, { recursive: true }));

async function open(content: string | Buffer, options: Partial<ListOptions> = {}): Promise<Job[]> {
  const file = join(folder, "list.txt");
  await writeFile(file, content);
  const input = await openInput({ file });
  const jobs: Job[] = [];
  const fetcher = new PictureFetcher();
  for await (const job of listJobs({ input, questions: QUESTIONS, fetcher, ...options })) jobs.push(job);
  return jobs;
}

function labels(jobs: readonly Job[]): string[] {
  return jobs.map((job) => {
    const label = job.label.replace(`${folder}/`, "");
    return "error" in job ? `${label}: ${job.error.code}` : label;
  });
}

describe("a list of names", () => {
  it("may end its lines as Windows does, begin with a mark, and have empty ones", async () => {
    const jobs = await open(`\ufeff${folder}/two.png\r\n\n${folder}/absent.png\n${folder}/one.png`);
    expect(labels(jobs)).toEqual(["two.png", "absent.png: image-not-found", "one.png"]);
    expect(jobs[0]).toEqual({
      label: join(folder, "two.png"),
      input: join(folder, "two.png"),
      questions: QUESTIONS,
    });
  });

  it("may name folders, URLs and data URIs; - is a name like any other", async () => {
    const jobs = await open(`${folder}/odd\nhttps://example.org/a.png\ndata:image/png;base64,AAAA\n-\n`);
    expect(labels(jobs)).toEqual([
      "odd/'\"\x1b[31m.png",
      "odd/a\nb.png",
      "odd/\\xff\\xfe.png",
      "https://example.org/a.png",
      "data:image/png;base64,AAAA",
      "-: image-not-found",
    ]);
  });

  it("may be separated by NUL, whatever the names are", async () => {
    const names = ODD.map((name) => Buffer.concat([Buffer.from(`${folder}/odd/`), name, Buffer.of(0)]));
    const jobs = await open(Buffer.concat(names), { nul: true });
    expect(labels(jobs)).toEqual(["odd/a\nb.png", "odd/'\"\x1b[31m.png", "odd/\\xff\\xfe.png"]);
    const [last] = jobs.slice(-1);
    const input = last !== undefined && "input" in last ? last.input : "";
    if (typeof input !== "object" || !("read" in input)) throw new Error("it is read by its text");
    expect(await input.read(new AbortController().signal)).toEqual(new Uint8Array(PNG));
  });

  it("says where -0 was forgotten, or is wrong", async () => {
    await expect(open(`${folder}/one.png\0${folder}/two.png\0`)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/list\.txt:1: a NUL character/) as string,
      hint: expect.stringContaining("-0") as string,
    });
    const long = `${"x".repeat(70_000)}\n${folder}/one.png`;
    const jobs = await open(long);
    expect(labels(jobs)).toEqual(["list.txt:1: image-not-found", "one.png"]);
    expect(labels(await open(long, { nul: true }))).toEqual(["list.txt:1: image-not-found"]);
  });

  it("is refused where it is not there, or a folder", async () => {
    await expect(openInput({ file: join(folder, "none") })).rejects.toMatchObject({ code: "usage" });
    await expect(openInput({ file: folder })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("a list that is still being written", () => {
  it("gives each name at once, and ends when it is closed in the midst of waiting", async () => {
    const stdin = new PassThrough();
    const input = await openInput({ file: "-", stdin });
    const jobs = listJobs({ input, questions: QUESTIONS, fetcher: new PictureFetcher() });
    const iterator = jobs[Symbol.asyncIterator]();
    stdin.write(`${folder}/one.png\n${folder}/tw`);
    expect((await iterator.next()).value).toMatchObject({ label: `${folder}/one.png` });
    const second = iterator.next();
    stdin.write("o.png\n");
    expect((await second).value).toMatchObject({ label: `${folder}/two.png` });
    const third = iterator.next();
    jobs.close?.();
    expect(await third).toEqual({ done: true, value: undefined });
  });

  it("may be a named pipe, which holds nothing up when it is closed", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const writer = spawn("bash", [
      "-c",
      `exec 3>"$0"; echo "$1" >&3; exec sleep 60`,
      pipe,
      `${folder}/one.png`,
    ]);
    const input = await openInput({ file: pipe });
    const jobs = listJobs({ input, questions: QUESTIONS, fetcher: new PictureFetcher() });
    const iterator = jobs[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ label: `${folder}/one.png` });
    const next = iterator.next();
    jobs.close?.();
    expect((await next).done).toBe(true);
    writer.kill();
  });
});
