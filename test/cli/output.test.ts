import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileOutput, StreamOutput } from "../../src/cli/output.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-output-"));
});
afterAll(async () => rm(folder, { recursive: true }));

/** A stream that keeps what it gets, or fails as told. */
function sink(failure?: { code: string }): { stream: Writable; text: () => string } {
  let text = "";
  const stream = new Writable({
    write: (chunk, _, done) => {
      if (failure !== undefined) {
        done(Object.assign(new Error(`write ${failure.code}`), failure));
        return;
      }
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
}

describe("StreamOutput", () => {
  it("writes in order", async () => {
    const { stream, text } = sink();
    const output = new StreamOutput(stream);
    await Promise.all([output.write("a"), output.write("b")]);
    expect(text()).toBe("ab");
    expect(output.closed.aborted).toBe(false);
  });

  it("takes a closed pipe for the end, not for a failure", async () => {
    const output = new StreamOutput(sink({ code: "EPIPE" }).stream);
    await output.write("a");
    await output.write("b");
    expect(output.closed.aborted).toBe(true);
  });

  it("reports any other failure", async () => {
    const output = new StreamOutput(sink({ code: "ENOSPC" }).stream);
    await expect(output.write("a")).rejects.toMatchObject({
      code: "disk",
      message: "the answer cannot be written to standard output: the disk is full",
    });
  });
});

describe("FileOutput", () => {
  it("keeps the old content until there is a new answer", async () => {
    const path = join(folder, "kept.txt");
    await writeFile(path, "old and long\n");
    const standard = new StreamOutput(sink().stream);
    await (await FileOutput.open(path, standard)).close();
    expect(await readFile(path, "utf8")).toBe("old and long\n");
    const output = await FileOutput.open(path, standard);
    await output.write("one\n");
    expect(await readFile(path, "utf8")).toBe("one\n");
    await output.write("two\n");
    await output.close();
    expect(await readFile(path, "utf8")).toBe("one\ntwo\n");
  });

  it("says at once why a path cannot be written", async () => {
    const standard = new StreamOutput(sink().stream);
    await expect(FileOutput.open(folder, standard)).rejects.toMatchObject({
      code: "disk",
      message: expect.stringContaining("it is a folder") as string,
    });
    await expect(FileOutput.open(join(folder, "no", "such"), standard)).rejects.toMatchObject({
      message: expect.stringContaining("its folder does not exist") as string,
    });
  });

  it.runIf(existsSync("/dev/full"))("loses no answer when the disk is full", async () => {
    const { stream, text } = sink();
    const output = await FileOutput.open("/dev/full", new StreamOutput(stream));
    await expect(output.write("one\n")).rejects.toMatchObject({
      code: "disk",
      message: "the answer cannot be written to /dev/full: the disk is full",
    });
    expect(text()).toBe("one\n");
    await output.close();
  });
});
