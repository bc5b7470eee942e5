import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileOutput } from "../../../src/cli/answers/file-output.ts";
import { StreamOutput } from "../../../src/cli/answers/output.ts";
import { sink } from "../sink.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-output-"));
});
afterAll(async () => rm(folder, { recursive: true }));

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

  it("goes on behind what it is to keep", async () => {
    const path = join(folder, "going-on.txt");
    await writeFile(path, "one\ntw");
    const output = await FileOutput.open(path, new StreamOutput(sink().stream));
    expect(await output.keep(async () => writeFile(path, "one\n"))).toBeUndefined();
    expect(output.empty).toBe(false);
    await output.write("two\n");
    await output.close();
    expect(await readFile(path, "utf8")).toBe("one\ntwo\n");
  });

  it("is one run's alone, by whatever name, until that run is over", async () => {
    const path = join(folder, "mine.txt");
    const standard = new StreamOutput(sink().stream);
    const output = await FileOutput.open(path, standard);
    const link = join(folder, "link.txt");
    await symlink(path, link);
    await expect(FileOutput.open(link, standard)).rejects.toMatchObject({
      code: "usage",
      message: `${link} is being written by process ${process.pid}`,
    });
    await output.write("one\n");
    await output.close();
    await (await FileOutput.open(path, standard)).close();
    expect(await readFile(path, "utf8")).toBe("one\n");
    expect((await readdir(folder)).filter((name) => name.endsWith(".lock"))).toEqual([]);
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
