import { cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stagingFolder } from "../../src/convert/staging.ts";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { ConversionRequest } from "../../src/store/converter.ts";
import { demoCheckpoint } from "../../src/store/demo.ts";
import { storePaths } from "../../src/store/home.ts";
import { resolveModel } from "../../src/store/resolve.ts";
import { convertingBy, fakeConverter } from "./fake-converter.ts";
import { scratch } from "./scratch.ts";

async function diskFull(request: ConversionRequest): Promise<never> {
  await mkdir(request.out, { recursive: true });
  await writeFile(join(request.out, "vision.onnx"), "half");
  throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
}

describe("resolving a model", () => {
  it("converts the demo once, and again only when its files change", async () => {
    const paths = storePaths(await scratch());
    const calls: ConversionRequest[] = [];
    const convert = fakeConverter({ calls });
    const first = await resolveModel({ model: "demo", paths, convert });
    const second = await resolveModel({ model: "demo", paths, convert });
    expect(first).toMatchObject({ name: "demo", demo: true });
    expect(second).toEqual(first);
    expect(calls).toHaveLength(1);
    await truncate(join(first.directory, "vision.onnx"), 3);
    expect(await resolveModel({ model: "demo", paths, convert })).toEqual(first);
    expect(calls).toHaveLength(2);
  });

  it("lets two resolvers meet: one converts, both succeed, one is told to wait", async () => {
    const paths = storePaths(await scratch());
    const calls: ConversionRequest[] = [];
    const convert = fakeConverter({ calls, delayMs: 20 });
    const waits: unknown[] = [];
    const resolveOne = async (): Promise<unknown> =>
      resolveModel({ model: "demo", paths, convert, onProgress: (event) => waits.push(event.stage) });
    const [a, b, c] = await Promise.all([resolveOne(), resolveOne(), resolveOne()]);
    expect(b).toEqual(a);
    expect(c).toEqual(a);
    expect(calls).toHaveLength(1);
    expect(waits.filter((stage) => stage === "wait")).toHaveLength(2);
    expect(await readdir(paths.locks)).toEqual([]);
    expect(await readdir(paths.models)).toHaveLength(1);
  });

  it("converts a checkpoint folder once, again when it changed, and then drops the older make", async () => {
    const home = await scratch();
    const paths = storePaths(join(home, "store"));
    const checkpoint = join(home, "my model");
    await cp(demoCheckpoint(), checkpoint, { recursive: true });
    const calls: ConversionRequest[] = [];
    const convert = fakeConverter({ calls });
    const first = await resolveModel({ model: checkpoint, paths, convert });
    expect(await resolveModel({ model: checkpoint, paths, convert })).toEqual(first);
    expect(first).toMatchObject({ name: "my-model", demo: false });
    expect(calls).toHaveLength(1);
    await writeFile(join(checkpoint, "added_tokens.json"), "{}");
    const again = await resolveModel({ model: checkpoint, paths, convert });
    expect(again.directory).not.toBe(first.directory);
    await expect(stat(first.directory)).rejects.toThrow("ENOENT");
    // a converted folder is used as it is
    expect((await resolveModel({ model: again.directory, paths, convert })).directory).toBe(again.directory);
    expect(calls).toHaveLength(2);
  });

  it("says of a folder of Python pickles that it runs none", async () => {
    const home = await scratch();
    const checkpoint = join(home, "pickled");
    await cp(demoCheckpoint(), checkpoint, { recursive: true });
    await rm(join(checkpoint, "model.safetensors"));
    await writeFile(join(checkpoint, "pytorch_model.bin"), "PK");
    await expect(
      resolveModel({ model: checkpoint, paths: storePaths(join(home, "store")) }),
    ).rejects.toMatchObject({
      code: "checkpoint-invalid",
      message: expect.stringContaining("has its weights only as pytorch_model.bin: a Python pickle"),
    });
  });

  it("leaves nothing that looks like a model when a conversion fails, and goes on afterwards", async () => {
    const paths = storePaths(await scratch());
    await expect(
      resolveModel({ model: "demo", paths, convert: convertingBy(diskFull) }),
    ).rejects.toMatchObject({
      code: "disk",
    });
    expect((await readdir(paths.models)).every((name) => name.startsWith(".partial-"))).toBe(true);
    await resolveModel({ model: "demo", paths, convert: fakeConverter() });
    expect(await readdir(paths.models)).toEqual([expect.stringMatching(/^demo@/)]);
  });

  it("refuses a converted folder whose file is gone", async () => {
    const paths = storePaths(await scratch());
    const { directory } = await resolveModel({ model: "demo", paths, convert: fakeConverter() });
    await rm(join(directory, "embq.onnx"));
    await expect(resolveModel({ model: directory, paths })).rejects.toMatchObject({
      code: "model-invalid",
      message: expect.stringContaining("embq.onnx is missing"),
    });
  });

  it.each([
    ["flashslot-3.2b", "usage", 'did you mean "flashsloth-3.2b"?'],
    ["dmo", "usage", 'did you mean "demo"?'],
    ["something-else", "usage", "known are flashsloth-3.2b, flashsloth-hd-3.2b, demo"],
    ["", "usage", "known are"],
    ["./nowhere", "usage", "flashsloth list"],
    ["hf:only-one-part", "usage", "hf:OWNER/REPO"],
    ["hf:a/../b", "usage", "hf:OWNER/REPO"],
    ["hf:a/b@../x", "usage", "hf:OWNER/REPO"],
  ])("says what could have been meant by %j", async (model, code, hint) => {
    const paths = storePaths(await scratch());
    await expect(resolveModel({ model, paths })).rejects.toMatchObject({
      code,
      hint: expect.stringContaining(hint),
    });
  });

  it("names what a folder lacks", async () => {
    const home = await scratch();
    await expect(resolveModel({ model: home })).rejects.toMatchObject({ code: "model-invalid" });
    await writeFile(join(home, "model.safetensors"), "");
    await expect(resolveModel({ model: home })).rejects.toThrow("no config.json");
    await expect(resolveModel({ model: join(home, "model.safetensors") })).rejects.toThrow("is a file");
  });
});

async function stoppedHalfway({ out }: ConversionRequest): Promise<never> {
  await mkdir(stagingFolder(out));
  await writeFile(join(stagingFolder(out), "vision.onnx"), "finished");
  await writeFile(`${stagingFolder(out)}.00000000-1-0-0123456789ab.lock`, "");
  throw new FlashSlothError("interrupted", "stopped");
}

describe("what an interrupted conversion finished", () => {
  it("is still there for the next run, and goes when the model is complete", async () => {
    const paths = storePaths(await scratch());
    await expect(
      resolveModel({ model: "demo", paths, convert: convertingBy(stoppedHalfway) }),
    ).rejects.toThrow("stopped");
    const seen: string[] = [];
    const { convert } = fakeConverter();
    await resolveModel({
      model: "demo",
      paths,
      convert: convertingBy(async (request) => {
        seen.push(await readFile(join(stagingFolder(request.out), "vision.onnx"), "utf8"));
        expect(await readdir(paths.models)).toHaveLength(1);
        await rm(stagingFolder(request.out), { recursive: true });
        return convert(request);
      }),
    });
    expect(seen).toEqual(["finished"]);
    expect(await readdir(paths.models)).toEqual([expect.stringMatching(/^demo@/)]);
  });
});
