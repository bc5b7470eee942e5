import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkApart, fillStaged } from "../../src/convert/staging.ts";
import { FORMAT_VERSION, MANIFEST_FILE, type Manifest } from "../../src/core/manifest.ts";

let folder: string;
let out: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-staging-"));
  out = join(folder, "model");
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function fill(staging: string, text = "new"): Promise<string> {
  await writeFile(join(staging, "weights"), text);
  return text;
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
      fill: async (staging) => {
        expect(dirname(staging)).toBe(folder);
        await expect(stat(out)).rejects.toThrow("ENOENT");
        return await fill(staging);
      },
    });
    expect(result).toBe("new");
    expect(await readdir(folder)).toEqual(["model"]);
    expect(await readdir(out)).toEqual(["weights"]);
  });

  it("gives the folder the rights that any new folder gets", async () => {
    await fillStaged({ out, fill });
    await mkdir(join(folder, "other"));
    expect((await stat(out)).mode).toBe((await stat(join(folder, "other"))).mode);
  });

  it("creates parents, and removes them again when it fails", async () => {
    const deep = join(folder, "a", "b", "model");
    const failing = fillStaged({
      out: deep,
      fill: async (staging) => {
        await fill(staging);
        throw new Error("half way");
      },
    });
    await expect(failing).rejects.toThrow("half way");
    expect(await readdir(folder)).toEqual([]);
    await fillStaged({ out: deep, fill });
    expect(await readdir(deep)).toEqual(["weights"]);
  });

  it("uses an empty folder that is there already", async () => {
    await mkdir(out);
    await fillStaged({ out, fill });
    expect(await readdir(out)).toEqual(["weights"]);
  });

  it("refuses a model that is there, unless told to replace it", async () => {
    await putModel(["weights", "graph"]);
    await expect(fillStaged({ out, fill })).rejects.toMatchObject({ code: "usage" });
    expect(await readFile(join(out, "weights"), "utf8")).toBe("old");
    await fillStaged({ out, overwrite: true, fill });
    expect(await readdir(out)).toEqual(["weights"]);
    expect(await readFile(join(out, "weights"), "utf8")).toBe("new");
    expect(await readdir(folder)).toEqual(["model"]);
  });

  it("keeps the old model when replacing it fails", async () => {
    await putModel(["weights"]);
    const failing = fillStaged({
      out,
      overwrite: true,
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
    await expect(fillStaged({ out, overwrite, fill })).rejects.toThrow(/holds no converted model/);
    expect(await readdir(out)).toEqual(["thesis.txt"]);
  });

  it("never removes a user's file from a model's folder", async () => {
    await putModel(["weights"]);
    await writeFile(join(out, "thesis.txt"), "mine");
    await expect(fillStaged({ out, overwrite: true, fill })).rejects.toThrow(/holds thesis.txt/);
    expect(await readFile(join(out, "thesis.txt"), "utf8")).toBe("mine");
  });

  it("refuses a file in place of the folder", async () => {
    await writeFile(out, "");
    await expect(fillStaged({ out, fill })).rejects.toThrow(/is not a folder/);
  });

  it("turns a parent that cannot hold folders into one disk error", async () => {
    await writeFile(join(folder, "file"), "");
    const failing = fillStaged({ out: join(folder, "file", "sub", "model"), fill });
    await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^(disk|usage)$/) });
  });

  it("clears what a killed run left, and leaves a running one alone", async () => {
    const gone = spawnSync(process.execPath, [
      "-e",
      "process.stdout.write(String(process.pid))",
    ]).stdout.toString();
    const dead = `${out}.partial-${gone}-0a1b2c`;
    const alive = `${out}.partial-${process.ppid}-0a1b2c`;
    const foreign = `${out}.partial-notes`;
    for (const path of [dead, `${dead}-old`, alive, foreign]) {
      await mkdir(path);
      await writeFile(join(path, "x"), "x");
    }
    await fillStaged({ out, fill });
    expect((await readdir(folder)).toSorted()).toEqual(
      ["model", `model.partial-${process.ppid}-0a1b2c`, "model.partial-notes"].toSorted(),
    );
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
