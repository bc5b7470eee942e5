import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { Job } from "../../src/pipeline/job.ts";
import { Sidecars } from "../../src/pipeline/sidecars.ts";
import { answeredOutcome, failedOutcome } from "./outcomes.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-sidecars-"));
});
afterEach(async () => rm(folder, { recursive: true }));

function jobOf(name: string): Job {
  const label = join(folder, name);
  return { label, input: label, questions: [{ text: "Why?" }] };
}

const text = async (name: string): Promise<string> => readFile(join(folder, name), "utf8");

describe("answers beside their pictures", () => {
  it("are in a file of the picture's name, and in nothing else", async () => {
    const sidecars = new Sidecars({ extension: ".txt" });
    const job = jobOf("a.b.jpg");
    expect(await sidecars.has(job)).toBe(false);
    await sidecars.write(answeredOutcome({ job, text: "A dog,\nrunning." }));
    expect(await readdir(folder)).toEqual(["a.b.txt"]);
    expect(await text("a.b.txt")).toBe("A dog,\nrunning.\n");
    expect(await sidecars.has(job)).toBe(true);
  });

  it("are kept where they are, unless told otherwise", async () => {
    await writeFile(join(folder, "a.txt"), "mine");
    const outcome = answeredOutcome({ job: jobOf("a.jpg") });
    const careful = new Sidecars({ extension: ".txt" });
    expect(await careful.has(outcome.job)).toBe(true);
    await careful.write(outcome);
    expect(await text("a.txt")).toBe("mine");
    const forced = new Sidecars({ extension: ".txt", force: true });
    expect(await forced.has(outcome.job)).toBe(false);
    await forced.write(outcome);
    expect(await text("a.txt")).toBe("Red.\n");
  });

  it("are not there for a failure", async () => {
    const failure = failedOutcome(new FlashSlothError("image-invalid", "no"), { job: jobOf("a.jpg") });
    await new Sidecars({ extension: ".txt" }).write(failure);
    expect(await readdir(folder)).toEqual([]);
  });

  it("are never one file for two pictures, nor a picture's own", async () => {
    const sidecars = new Sidecars({ extension: ".txt", force: true });
    await sidecars.has(jobOf("a.jpg"));
    await sidecars.has(jobOf("a.jpg")); // the same one
    await expect(sidecars.has(jobOf("a.png"))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("would both be in") as string,
    });
    await expect(sidecars.has(jobOf("picture.txt"))).rejects.toMatchObject({ code: "usage" });
  });

  it("have no place where the picture is no file", async () => {
    const job: Job = { label: "-", input: new Uint8Array(1), questions: [] };
    await expect(new Sidecars({ extension: ".txt" }).has(job)).rejects.toMatchObject({ code: "usage" });
  });

  it("leave nothing behind when they cannot be written", async () => {
    await mkdir(join(folder, "a.txt")); // a folder in its place
    const outcome = answeredOutcome({ job: jobOf("a.jpg") });
    const sidecars = new Sidecars({ extension: ".txt", force: true });
    await expect(sidecars.write(outcome)).rejects.toMatchObject({ code: "disk" });
    expect(await readdir(folder)).toEqual(["a.txt"]);
  });
});
