import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FinishedFiles } from "../../src/convert/finished.ts";
import { fillStaged, stagingFolder } from "../../src/convert/staging.ts";
import { checkApart } from "../../src/convert/target.ts";
import { FlashSlothError } from "../../src/core/errors.ts";
import { FORMAT_VERSION, MANIFEST_FILE, type Manifest } from "../../src/core/model/manifest.ts";

let folder: string;
let out: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-staging-"));
  out = join(folder, "model");
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const KEY = "checkpoint and options";

/** Writes one file unless it is finished. */
async function fill(finished: FinishedFiles, text = "new"): Promise<string> {
  if (finished.get("weights") === undefined) await finish(finished, "weights", text);
  return text;
}

async function finish(finished: FinishedFiles, name: string, text = "new"): Promise<void> {
  await writeFile(join(finished.directory, name), text);
  await finished.add([{ name, size: text.length, sha256: "0" }], []);
}

/** A run that ends with `error` after `weights` was finished and `graph` was begun. */
async function endWith(error: Error, key = KEY): Promise<void> {
  const failing = fillStaged({
    out,
    key,
    fill: async (finished) => {
      await fill(finished);
      await writeFile(join(finished.directory, "graph"), "half");
      throw error;
    },
  });
  await expect(failing).rejects.toBe(error);
}

async function putModel(files: readonly string[]): Promise<void> {
  await mkdir(out);
  const one = 1;
  const manifest: Manifest = {
    format: FORMAT_VERSION,
    name: "old",
    source: { repo: "old", revision: null },
    license: "apache-2.0",
    createdBy: "flashsloth 0.0.0",
    quant: "f16",
    geometry: {
      imageSize: one,
      crops: "squash",
      featuresPerCrop: one,
      featureWidth: one,
      tokensPerCrop: one,
      hiddenSize: one,
      layers: one,
      vocabSize: one,
      contextLength: one,
      queries: one,
      embqLayer: one,
      endTokens: [],
    },
    roles: { vision: "v", embq: "e", language: "l", queries: "q" },
    embeddings: { offset: 0 },
    files: files.map((name) => ({ name, size: 3, sha256: "0".repeat(64) })),
  };
  await writeFile(join(out, MANIFEST_FILE), JSON.stringify(manifest));
  for (const name of files) await writeFile(join(out, name), "old");
}

describe("fillStaged", () => {
  it("shows the folder only when it is complete", async () => {
    const result = await fillStaged({
      out,
      key: KEY,
      fill: async (finished) => {
        expect(dirname(finished.directory)).toBe(folder);
        await expect(stat(out)).rejects.toThrow("ENOENT");
        return await fill(finished);
      },
    });
    expect(result).toBe("new");
    expect(await readdir(folder)).toEqual(["model"]);
    expect(await readdir(out)).toEqual(["weights"]);
  });

  it("gives the folder the rights that any new folder gets", async () => {
    await fillStaged({ out, key: KEY, fill });
    await mkdir(join(folder, "other"));
    expect((await stat(out)).mode).toBe((await stat(join(folder, "other"))).mode);
  });

  it("creates parents, and removes them again when it fails", async () => {
    const deep = join(folder, "a", "b", "model");
    const failing = fillStaged({
      out: deep,
      key: KEY,
      fill: async (finished) => {
        await fill(finished);
        throw new Error("half way");
      },
    });
    await expect(failing).rejects.toThrow("half way");
    expect(await readdir(folder)).toEqual([]);
    await fillStaged({ out: deep, key: KEY, fill });
    expect(await readdir(deep)).toEqual(["weights"]);
  });

  it("uses an empty folder that is there already", async () => {
    await mkdir(out);
    await fillStaged({ out, key: KEY, fill });
    expect(await readdir(out)).toEqual(["weights"]);
  });

  it("refuses a model that is there, unless told to replace it", async () => {
    await putModel(["weights", "graph"]);
    await expect(fillStaged({ out, key: KEY, fill })).rejects.toMatchObject({ code: "usage" });
    expect(await readFile(join(out, "weights"), "utf8")).toBe("old");
    await fillStaged({ out, overwrite: true, key: KEY, fill });
    expect(await readdir(out)).toEqual(["weights"]);
    expect(await readFile(join(out, "weights"), "utf8")).toBe("new");
    expect(await readdir(folder)).toEqual(["model"]);
  });

  it("keeps the old model when replacing it fails", async () => {
    await putModel(["weights"]);
    const failing = fillStaged({
      out,
      overwrite: true,
      key: KEY,
      fill: async () => {
        throw new Error("no");
      },
    });
    await expect(failing).rejects.toThrow("no");
    expect(await readFile(join(out, "weights"), "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["model"]);
  });

  it.each([false, true])("never touches a folder that is no model (overwrite %s)", async (overwrite) => {
    await mkdir(out);
    await writeFile(join(out, "thesis.txt"), "mine");
    await expect(fillStaged({ out, overwrite, key: KEY, fill })).rejects.toThrow(/holds no converted model/);
    expect(await readdir(out)).toEqual(["thesis.txt"]);
  });

  it("never removes a user's file from a model's folder", async () => {
    await putModel(["weights"]);
    await writeFile(join(out, "thesis.txt"), "mine");
    await expect(fillStaged({ out, overwrite: true, key: KEY, fill })).rejects.toThrow(/holds thesis.txt/);
    expect(await readFile(join(out, "thesis.txt"), "utf8")).toBe("mine");
  });

  it("refuses a file in place of the folder", async () => {
    await writeFile(out, "");
    await expect(fillStaged({ out, key: KEY, fill })).rejects.toThrow(/is not a folder/);
  });

  it("turns a parent that cannot hold folders into one disk error", async () => {
    await writeFile(join(folder, "file"), "");
    const failing = fillStaged({ out: join(folder, "file", "sub", "model"), key: KEY, fill });
    await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^(disk|usage)$/) });
  });

  it.each(["interrupted", "disk", "native"] as const)(
    "keeps finished files after %s, and the next run makes only the others",
    async (code) => {
      await endWith(new FlashSlothError(code, "ended"));
      expect(await readdir(folder)).toEqual(["model.partial"]);
      expect((await readdir(stagingFolder(out))).toSorted()).toEqual(["conversion.json", "weights"]);
      const before = await stat(join(stagingFolder(out), "weights"));
      await fillStaged({
        out,
        key: KEY,
        fill: async (finished) => {
          expect(finished.files.map(({ name }) => name)).toEqual(["weights"]);
          await finish(finished, "graph");
        },
      });
      expect((await readdir(out)).toSorted()).toEqual(["graph", "weights"]);
      expect((await stat(join(out, "weights"))).ino).toBe(before.ino);
      expect(await readdir(folder)).toEqual(["model"]);
    },
  );

  it("keeps nothing after a failure that would come again", async () => {
    await endWith(new FlashSlothError("checkpoint-invalid", "ended"));
    expect(await readdir(folder)).toEqual([]);
  });

  it("starts over when the checkpoint or the options are others", async () => {
    await endWith(new FlashSlothError("interrupted", "ended"));
    await fillStaged({
      out,
      key: "others",
      fill: async (finished) => {
        expect(finished.files).toEqual([]);
        expect(await readdir(finished.directory)).toEqual(["conversion.json"]);
        await finish(finished, "graph");
      },
    });
    expect(await readdir(out)).toEqual(["graph"]);
  });

  it.each([
    ["of another length", async () => writeFile(join(stagingFolder(out), "weights"), "longer")],
    ["that is gone", async () => rm(join(stagingFolder(out), "weights"))],
    ["whose record is damaged", async () => writeFile(join(stagingFolder(out), "conversion.json"), "{")],
  ])("makes a file again %s", async (_, damage) => {
    await endWith(new FlashSlothError("interrupted", "ended"));
    await damage();
    await fillStaged({
      out,
      key: KEY,
      fill: async (finished) => {
        expect(finished.files).toEqual([]);
        await fill(finished);
      },
    });
    expect(await readdir(out)).toEqual(["weights"]);
    expect(await readdir(folder)).toEqual(["model"]);
  });

  it("takes the folder of a run that was killed before its first file", async () => {
    await mkdir(stagingFolder(out));
    await writeFile(join(stagingFolder(out), "conversion.json.new"), "{");
    await fillStaged({ out, key: KEY, fill });
    expect(await readdir(folder)).toEqual(["model"]);
  });

  it("publishes nothing that is not recorded", async () => {
    await fillStaged({
      out,
      key: KEY,
      fill: async (finished) => {
        await fill(finished);
        await writeFile(join(finished.directory, "language.gguf.0123456789ab"), "of a process that lived on");
      },
    });
    expect(await readdir(out)).toEqual(["weights"]);
  });

  it("leaves a folder alone that it did not write", async () => {
    await mkdir(stagingFolder(out));
    await writeFile(join(stagingFolder(out), "thesis.txt"), "mine");
    await expect(fillStaged({ out, key: KEY, fill })).rejects.toThrow(/is in the way/);
    expect(await readdir(stagingFolder(out))).toEqual(["thesis.txt"]);
  });

  it("leaves a linked folder alone", async () => {
    await mkdir(join(folder, "elsewhere"));
    await symlink(join(folder, "elsewhere"), stagingFolder(out));
    await expect(fillStaged({ out, key: KEY, fill })).rejects.toThrow(/is in the way/);
  });

  it("refuses a second run on the same folder while the first is at work", async () => {
    await fillStaged({
      out,
      key: KEY,
      fill: async (finished) => {
        const second = fillStaged({ out, key: KEY, fill });
        await expect(second).rejects.toMatchObject({
          code: "usage",
          message: expect.stringMatching(/is converting to/),
        });
        return await fill(finished);
      },
    });
    expect(await readdir(folder)).toEqual(["model"]);
  });

  it("brings back a model that was being replaced when the process was killed", async () => {
    await putModel(["weights"]);
    await rename(out, `${stagingFolder(out)}-old`);
    await expect(fillStaged({ out, key: KEY, fill })).rejects.toThrow(/already holds/);
    expect(await readdir(folder)).toEqual(["model"]);
    expect(await readFile(join(out, "weights"), "utf8")).toBe("old");
  });

  it("clears a replaced model that was being removed when the process was killed", async () => {
    await putModel(["weights"]);
    await mkdir(`${stagingFolder(out)}-old`);
    await writeFile(join(`${stagingFolder(out)}-old`, "weights"), "older");
    await fillStaged({ out, overwrite: true, key: KEY, fill });
    expect(await readdir(folder)).toEqual(["model"]);
    expect(await readFile(join(out, "weights"), "utf8")).toBe("new");
  });
});

describe("checkApart", () => {
  it.each([
    ["checkpoint", "checkpoint"],
    ["checkpoint", "checkpoint/out"],
    ["checkpoint", "checkpoint/a/b/out"],
    ["checkpoint/sub", "checkpoint"],
    ["checkpoint", "link"],
    ["checkpoint", "link/new"],
  ])("refuses %s with %s", async (from, to) => {
    await mkdir(join(folder, "checkpoint", "sub"), { recursive: true });
    await symlink(join(folder, "checkpoint"), join(folder, "link"));
    await expect(checkApart(join(folder, from), join(folder, to))).rejects.toMatchObject({ code: "usage" });
  });

  it.each(["checkpoint-out", "other/checkpoint", "..out"])("allows %s", async (to) => {
    await mkdir(join(folder, "checkpoint"));
    await expect(checkApart(join(folder, "checkpoint"), join(folder, to))).resolves.toBeUndefined();
  });
});
