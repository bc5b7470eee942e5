import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { readManifest } from "../../src/core/model/manifest.ts";
import { storePaths, type StorePaths } from "../../src/store/home.ts";
import { pullModel, type PulledModel, type PullOptions } from "../../src/store/pull.ts";
import { resolveModel } from "../../src/store/resolve.ts";
import { DEMO } from "../checkpoint/demo-copy.ts";
import { scratch } from "./scratch.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-folder-"));
  await convertCheckpoint({ checkpoint: DEMO, out: join(folder, "sloth"), name: "sloth" });
});
afterAll(async () => rm(folder, { recursive: true }));

/** A store of its own, and a copy of the converted folder under a name with a space in it. */
class FolderPlace {
  readonly source: string;
  readonly paths: StorePaths;
  readonly #env: Record<string, string>;

  private constructor(home: string) {
    this.source = join(home, "a sloth");
    this.paths = storePaths(join(home, "store"));
    this.#env = { HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(home, "hf") };
  }

  static async open(change: (said: Record<string, unknown>) => void = () => undefined): Promise<FolderPlace> {
    const place = new FolderPlace(await scratch());
    await cp(join(folder, "sloth"), place.source, { recursive: true });
    const path = join(place.source, "manifest.json");
    const said = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    change(said);
    await writeFile(path, JSON.stringify(said));
    return place;
  }

  async pull(options: PullOptions = {}): Promise<PulledModel> {
    return pullModel({ model: this.source, paths: this.paths, env: this.#env, ...options });
  }

  async resolve(model: string): Promise<{ directory: string; name: string }> {
    return resolveModel({ model, paths: this.paths, env: this.#env });
  }
}

function lie(what: string): object {
  return {
    code: "model-invalid",
    message: expect.stringContaining(`manifest.json ${what}`) as unknown,
  };
}

describe("a converted folder", () => {
  it("is taken into the store under its own name, and is needed no more", async () => {
    const place = await FolderPlace.open();
    const { name, directory, manifest, report } = await place.pull();
    const size = manifest.files.reduce((sum, file) => sum + file.size, 0);
    expect(name).toBe("sloth");
    expect(report).toMatchObject({ received: 0, converted: true });
    expect(Math.abs((report?.size ?? 0) - size)).toBeLessThan(10_000); // the manifest and the card
    expect((await readdir(directory)).sort()).toEqual((await readdir(place.source)).sort());
    for (const file of await readdir(directory)) {
      if (file === "manifest.json") continue;
      const same = (await readFile(join(directory, file))).equals(await readFile(join(place.source, file)));
      expect(same, file).toBe(true);
    }
    expect((await place.pull()).report).toBeUndefined();
    await rename(place.source, `${place.source}.gone`);
    expect(await place.resolve("sloth")).toMatchObject({ directory, name: "sloth" });
    expect(await readdir(place.paths.models)).toHaveLength(1);
  });

  it("takes the place of an older make of the same name", async () => {
    const place = await FolderPlace.open();
    await place.pull();
    await convertCheckpoint({
      checkpoint: DEMO,
      out: place.source,
      name: "sloth",
      license: "mit",
      overwrite: true,
    });
    const { directory } = await place.pull();
    expect(await readdir(place.paths.models)).toHaveLength(1);
    expect((await readManifest(directory)).license).toBe("mit");
  });

  it("can be named by a file:// address, to pull it or to use it where it is", async () => {
    const place = await FolderPlace.open();
    const address = pathToFileURL(place.source).href;
    expect(address).toContain("a%20sloth");
    expect(await place.resolve(address)).toMatchObject({ directory: place.source });
    expect((await place.pull({ model: address })).name).toBe("sloth");
    for (const model of ["file://elsewhere/models/sloth", "FILE://elsewhere/sloth"]) {
      const refused = { code: "usage", message: expect.stringContaining("names no folder of this machine") };
      await expect(place.pull({ model })).rejects.toMatchObject(refused);
      await expect(place.resolve(model)).rejects.toMatchObject(refused);
    }
  });

  it("is the variant that it is", async () => {
    const place = await FolderPlace.open();
    await expect(place.pull({ quant: "q8_0" })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("holds f16 with fp32 vision, already converted, and not q8_0"),
    });
  });

  it("is the mixed encoder that it is, for whoever asks for its bound or for any", async () => {
    const plan = { pictures: 6, calibration: "made", int8: 1, exact: [], apartInputs: 0 };
    const vision = {
      precision: "mixed",
      featureError: 0.01,
      tokenError: 0.01,
      mixed: { ...plan, budget: 0.01 },
    };
    const place = await FolderPlace.open((said) => Object.assign(said, { vision }));
    const { directory } = await place.pull({ visionPrecision: "mixed", visionBudget: 0.01 });
    expect(directory).toMatch(/\+mixed0\.01$/);
    expect((await place.pull({ visionPrecision: "mixed" })).directory).toBe(directory);
    await expect(place.pull({ visionPrecision: "mixed", visionBudget: 0.03 })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining(
        "holds f16 with mixed vision within 0.01, already converted, and not f16 with mixed vision",
      ),
      hint: expect.stringContaining("ask for --quant f16 --vision-precision mixed --vision-budget 0.01, or"),
    });
  });

  it.each(["demo", "hf:owner/sloth", "flashsloth-3.2b", "../sloth", "a/b", "", ".hidden", "x".repeat(97)])(
    "that calls itself %j, which is another model's name or none, is refused",
    async (name) => {
      const place = await FolderPlace.open((said) => (said["name"] = name));
      await expect(place.pull()).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining(`a model in the store cannot be called ${JSON.stringify(name)}`),
      });
      expect(await readdir(place.paths.home).catch(() => [])).toEqual([]);
    },
  );

  it("of a model of the hub is that model, and no pull fetches it again", async () => {
    const revision = "b".repeat(40);
    const own = await FolderPlace.open((said) => {
      Object.assign(said, { name: "flashsloth-3.2b", source: { repo: "Tongbo/FlashSloth-3.2B", revision } });
    });
    const { directory } = await own.pull();
    expect((await own.pull({ model: "flashsloth-3.2b", quant: "f16" })).directory).toBe(directory);

    const team = await FolderPlace.open((said) => {
      const source = { repo: "Tongbo/FlashSloth-3.2B", revision };
      Object.assign(said, { name: "hf:team/sloth", source, fetchedFrom: { repo: "team/sloth", revision } });
    });
    const pulled = await team.pull();
    expect(pulled.name).toBe("hf:team/sloth");
    expect((await team.pull({ model: "hf:team/sloth" })).directory).toBe(pulled.directory);
  });

  it("with another byte than its manifest says, or other sizes, is refused by the file's name", async () => {
    const place = await FolderPlace.open();
    const path = join(place.source, "embq.onnx");
    const bytes = await readFile(path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await expect(place.pull()).rejects.toMatchObject(lie("gives embq.onnx another hash than it has"));
    await writeFile(path, "");
    await expect(place.pull()).rejects.toMatchObject(lie("gives embq.onnx "));
    await rm(path);
    await expect(place.pull()).rejects.toMatchObject(lie("lists embq.onnx, which is not there"));
    await expect(place.resolve("sloth")).rejects.toMatchObject({ code: "usage" });
  });

  it("that is a checkpoint is not pulled, and what to do is said", async () => {
    const place = await FolderPlace.open();
    await expect(place.pull({ model: DEMO })).rejects.toMatchObject({
      code: "usage",
      hint: expect.stringContaining("flashsloth convert"),
    });
  });
});
