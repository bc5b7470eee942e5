import { access, cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { VisionPrecision } from "../../src/core/model/variant.ts";
import type { ConversionRequest } from "../../src/store/converter.ts";
import { demoCheckpoint } from "../../src/store/demo.ts";
import { storePaths } from "../../src/store/home.ts";
import { readModel } from "../../src/store/installed.ts";
import { listModels } from "../../src/store/list.ts";
import { removeModel } from "../../src/store/remove.ts";
import { resolveModel, type ResolveOptions } from "../../src/store/resolve.ts";
import { verifyModel } from "../../src/store/verify.ts";
import { demoRepository } from "../hub/checkpoint-files.ts";
import { fakeConverter } from "./fake-converter.ts";
import { HubPlace, REPO, SHARD } from "./hub/hub-place.ts";
import { scratch } from "./scratch.ts";

const MODEL = `hf:${REPO}`;

let place: HubPlace;

beforeEach(async () => {
  place = await HubPlace.open();
});

/** The folder that a run takes, by its name. */
async function taken(options: Partial<ResolveOptions> = {}): Promise<string> {
  const { paths, env } = place;
  const convert = fakeConverter({ calls: place.conversions });
  return basename(
    (await resolveModel({ model: MODEL, paths, env, convert, download: false, ...options })).directory,
  );
}

describe("the variants of a model of the hub", () => {
  it("live side by side, each in a folder of its own", async () => {
    for (const quant of [undefined, "q8_0"]) {
      for (const visionPrecision of [undefined, "fp16", "int8"] as const) {
        const { manifest } = await place.pull({ quant, visionPrecision });
        expect([manifest.quant, manifest.vision?.precision]).toEqual([quant ?? "q4_k_m", visionPrecision]);
      }
    }
    expect(await readdir(place.paths.models)).toEqual([
      "owner--sloth",
      "owner--sloth+fp16",
      "owner--sloth+int8",
      "owner--sloth.q8_0",
      "owner--sloth.q8_0+fp16",
      "owner--sloth.q8_0+int8",
    ]);
    // what is there is not made again, however it is asked for
    await place.pull({ quant: "q4_k_m", visionPrecision: "fp32" });
    await place.pull({ visionPrecision: "int8" });
    expect(place.conversions).toHaveLength(6);

    const listed = await listModels(place.paths);
    expect(listed.map(({ quant, vision }) => `${quant} ${vision.precision} ${vision.tokenError}`)).toEqual([
      "q4_k_m fp16 0.02",
      "q4_k_m fp32 0",
      "q4_k_m int8 0.02",
      "q8_0 fp16 0.02",
      "q8_0 fp32 0",
      "q8_0 int8 0.02",
    ]);
    const verified = await verifyModel({ model: MODEL, paths: place.paths });
    expect(verified.map(({ quant, vision }) => `${quant} ${vision.precision}`)).toHaveLength(6);
    expect((await removeModel({ model: MODEL, paths: place.paths })).removed).toHaveLength(6);
    expect(await readdir(place.paths.models)).toEqual([]);
  });

  it("serve a run that leaves them open by fp32 only, in the default weight type before others", async () => {
    await place.pull({ visionPrecision: "fp16" });
    await place.pull({ visionPrecision: "int8" });
    await expect(taken()).rejects.toMatchObject({ code: "model-missing" });
    await expect(taken({ visionPrecision: "fp32" })).rejects.toMatchObject({ code: "model-missing" });
    await place.pull({ quant: "f16" });
    expect(await taken()).toBe("owner--sloth.f16");
    await place.pull();
    expect(await taken()).toBe("owner--sloth");
    expect(await taken({ quant: "f16" })).toBe("owner--sloth.f16");
  });

  it("serve no run silently in a weight type less exact than the default one", async () => {
    await place.pull({ quant: "q4_0" });
    await place.pull({ quant: "q4_k_s" });
    await expect(taken()).rejects.toMatchObject({
      message: `${MODEL} is on this disk only as q4_0 with fp32 vision, q4_k_s with fp32 vision, and downloading was refused`,
    });
    expect(await taken({ quant: "q4_0" })).toBe("owner--sloth.q4_0");
    expect((await removeModel({ model: MODEL, paths: place.paths })).removed).toHaveLength(2);
  });

  it("serve a run that asks for a precision in any weight type, the default one first", async () => {
    await place.pull();
    await place.pull({ quant: "q8_0", visionPrecision: "int8" });
    expect(await taken({ visionPrecision: "int8" })).toBe("owner--sloth.q8_0+int8");
    await place.pull({ visionPrecision: "int8" });
    expect(await taken({ visionPrecision: "int8" })).toBe("owner--sloth+int8");
    await expect(taken({ visionPrecision: "fp16" })).rejects.toMatchObject({ code: "model-missing" });
  });

  it("that are there are named when the wanted one is not and may not be fetched", async () => {
    await place.pull({ visionPrecision: "int8" });
    await expect(taken()).rejects.toMatchObject({
      message: `${MODEL} is on this disk only as q4_k_m with int8 vision, and downloading was refused`,
      hint: `take --quant q4_k_m --vision-precision int8, or fetch it with \`flashsloth pull ${MODEL}\``,
    });
    await expect(taken({ quant: "q8_0", visionPrecision: "fp16" })).rejects.toMatchObject({
      hint: expect.stringContaining(`pull ${MODEL} --quant q8_0 --vision-precision fp16\``),
    });
  });

  it("are advised as they were when one is damaged", async () => {
    const { directory } = await place.pull({ quant: "q8_0", visionPrecision: "int8" });
    await rm(join(directory, "embq.onnx"));
    const [damaged] = await verifyModel({ model: MODEL, paths: place.paths });
    expect(damaged?.advice).toBe(
      `run \`flashsloth remove ${MODEL}\`, then \`flashsloth pull ${MODEL} --quant q8_0 --vision-precision int8\``,
    );
  });

  it("fetch the checkpoint again, and say why", async () => {
    await place.pull();
    expect(place.notes()).toEqual([]);
    await place.pull({ visionPrecision: "int8" });
    expect(place.notes()).toEqual([
      `${MODEL} is on this disk as q4_k_m with fp32 vision, its checkpoint is not: ` +
        "it is fetched again to make q4_k_m with int8 vision",
    ]);
  });

  it("are made from a checkpoint that was kept, with the hub, without it, and when it is not asked", async () => {
    await place.pull({ keepCheckpoint: true });
    const sent = place.server.sent();
    await place.pull({ visionPrecision: "int8" });
    expect([place.server.sent() - sent, place.notes()]).toEqual([0, []]);

    const asked = place.server.requests.length;
    expect(await taken({ visionPrecision: "fp16" })).toBe("owner--sloth+fp16");
    expect(place.server.requests).toHaveLength(asked);
    place.env["HF_ENDPOINT"] = "http://127.0.0.1:9";
    const { report, manifest } = await place.pull({ quant: "q8_0" });
    expect(report).toMatchObject({ received: 0, cached: 0 });
    expect(manifest.source.revision).toBe(place.server.commit);
    expect(place.notes().at(-1)).toContain("using the checkpoint that was kept");
    await removeModel({ model: MODEL, paths: place.paths });
    expect(await place.strays()).toEqual([]);
  });

  it("go on with the same download when the wanted one changes after an interruption", async () => {
    place.server.fault = (path) => (path === SHARD ? { kind: "truncate", after: 0 } : undefined);
    await expect(place.pull({ visionPrecision: "int8" })).rejects.toMatchObject({ code: "network" });
    place.server.fault = () => undefined;
    const { report } = await place.pull({ visionPrecision: "fp16" });
    expect(report?.received).toBeLessThan(report?.size ?? 0);
    expect(await readdir(place.paths.downloads)).toEqual([]);
    expect(await readdir(place.paths.models)).toEqual(["owner--sloth+fp16"]);
  });

  it("are apart by the bound that mixed vision keeps to, and removed with the others", async () => {
    await place.pull({ visionPrecision: "mixed", calibrate: "pictures" });
    await place.pull({ visionPrecision: "mixed", visionBudget: 0.03 });
    await place.pull({ visionPrecision: "mixed", visionBudget: 0.01 });
    expect(place.conversions.map(({ visionBudget, calibrate }) => [visionBudget, calibrate])).toEqual([
      [undefined, "pictures"],
      [0.01, undefined],
    ]);
    const folders = ["owner--sloth+mixed", "owner--sloth+mixed0.01"];
    expect(await readdir(place.paths.models)).toEqual(folders);
    expect(await taken({ visionPrecision: "mixed" })).toBe(folders[0]);
    expect(await taken({ visionPrecision: "mixed", visionBudget: 0.01 })).toBe(folders[1]);
    await expect(taken({ visionPrecision: "mixed", visionBudget: 0.02 })).rejects.toMatchObject({
      message: expect.stringContaining("q4_k_m with mixed vision, q4_k_m with mixed vision within 0.01"),
      hint: expect.stringContaining("--vision-precision mixed --vision-budget 0.02`"),
    });
    const verified = await verifyModel({ model: MODEL, paths: place.paths });
    expect(verified.map(({ vision }) => vision.mixed?.budget)).toEqual([0.03, 0.01]);
    // what an interrupted run left of one is under its name too
    await mkdir(join(place.paths.models, ".partial-owner--sloth.q8_0+mixed0.5~q8_0"));
    expect((await removeModel({ model: MODEL, paths: place.paths })).removed).toHaveLength(3);
    expect(await readdir(place.paths.models)).toEqual([]);
  });

  it("that are unheard of are refused before anything is fetched", async () => {
    const odd = "int3" as VisionPrecision;
    await expect(place.pull({ visionPrecision: odd })).rejects.toMatchObject({ code: "usage" });
    await expect(taken({ visionPrecision: odd })).rejects.toMatchObject({
      code: "usage",
      hint: "known precisions are fp32, fp16, mixed, int8",
    });
    for (const wanted of [
      { visionPrecision: "mixed", visionBudget: 1 },
      { visionPrecision: "int8", visionBudget: 0.01 },
      { visionBudget: 0.01 },
    ] as const) {
      await expect(place.pull(wanted)).rejects.toMatchObject({ code: "usage" });
      await expect(taken(wanted)).rejects.toMatchObject({ code: "usage" });
    }
    await expect(taken({ quant: "../../q8_0" })).rejects.toMatchObject({ code: "usage" });
    expect(place.server.requests).toEqual([]);
  });
});

it("the project's converter makes each precision from the hub's files", async () => {
  place = await HubPlace.open({ files: await demoRepository() });
  const language = new Set<string>();
  for (const visionPrecision of ["fp16", "mixed", "int8"] as const) {
    const { directory, manifest } = await place.pull({ quant: "f16", visionPrecision, convert: undefined });
    expect(await readModel(directory)).toMatchObject({
      quant: "f16",
      vision: { precision: visionPrecision },
    });
    // the demo's weights are fp16 themselves, as the published ones are
    const error = manifest.vision?.tokenError ?? -1;
    if (visionPrecision === "fp16") expect(error).toBe(0);
    else expect(error).toBeGreaterThan(1e-3);
    language.add(manifest.files.find(({ name }) => name === "language.gguf")?.sha256 ?? "");
  }
  expect(language.size).toBe(1);
  expect((await verifyModel({ model: MODEL, paths: place.paths })).every(({ ok }) => ok)).toBe(true);
});

it("a folder without pictures to calibrate with is told before the weights are fetched", async () => {
  place = await HubPlace.open({ files: await demoRepository() });
  const calibrate = await scratch();
  const options = { visionPrecision: "mixed", calibrate, convert: undefined } as const;
  await expect(place.pull(options)).rejects.toMatchObject({
    code: "usage",
    message: `${calibrate} holds no picture to calibrate with`,
  });
  expect(place.server.sent("model.safetensors")).toBeLessThan(500_000);
});

describe("the variants of a checkpoint on this disk", () => {
  it("have folders of their own, and a newer make replaces the older ones of its variant only", async () => {
    const home = await scratch();
    const paths = storePaths(join(home, "store"));
    const checkpoint = join(home, "my model");
    await cp(demoCheckpoint(), checkpoint, { recursive: true });
    const calls: ConversionRequest[] = [];
    const make = async (options: Partial<ResolveOptions>): Promise<string> => {
      const convert = fakeConverter({ calls });
      return (await resolveModel({ model: checkpoint, paths, convert, ...options })).directory;
    };
    const exact = await make({});
    const int8 = await make({ visionPrecision: "int8" });
    const both = await make({ quant: "q8_0", visionPrecision: "int8" });
    expect(await make({ visionPrecision: "fp32" })).toBe(exact);
    expect([int8, both]).toEqual([`${exact}+int8`, `${exact}.q8_0+int8`]);
    expect(calls).toHaveLength(3);

    await writeFile(join(checkpoint, "added_tokens.json"), "{}");
    const newer = await make({ visionPrecision: "int8" });
    expect(newer).not.toBe(int8);
    await expect(access(int8)).rejects.toThrow("ENOENT");
    await access(exact);
    await access(both);
  });

  it("of the demo are all removed by its name", async () => {
    const paths = storePaths(await scratch());
    for (const visionPrecision of ["fp32", "fp16", "int8"] as const) {
      const { directory, demo } = await resolveModel({
        model: "demo",
        paths,
        visionPrecision,
        convert: fakeConverter(),
      });
      expect([demo, basename(directory)]).toEqual([
        true,
        expect.stringMatching(
          visionPrecision === "fp32" ? /^demo@[0-9a-f]{16}$/ : new RegExp(`\\+${visionPrecision}$`),
        ),
      ]);
    }
    expect((await removeModel({ model: "demo", paths })).removed).toHaveLength(3);
  });
});

describe("a converted model's folder", () => {
  it("serves when nothing else is asked for, and is refused when something else is", async () => {
    const { directory } = await place.pull({ quant: "q8_0", visionPrecision: "int8" });
    const name = basename(directory);
    expect(await taken({ model: directory })).toBe(name);
    expect(await taken({ model: directory, visionPrecision: "int8", quant: "q8_0" })).toBe(name);
    await expect(taken({ model: directory, visionPrecision: "fp16" })).rejects.toMatchObject({
      code: "usage",
      message: `${directory} is q8_0 with int8 vision, not q8_0 with fp16 vision`,
      hint: `for the other write \`-m ${MODEL} --quant q8_0 --vision-precision fp16\``,
    });
    await expect(taken({ model: directory, quant: "q4_k_m", visionPrecision: "fp32" })).rejects.toMatchObject(
      {
        hint: `for the other write \`-m ${MODEL} --quant q4_k_m\``,
      },
    );
    expect(place.conversions).toHaveLength(1);
  });

  it("that the store made of a checkpoint leads back to it", async () => {
    const checkpoint = join(await scratch(), "sloth");
    await cp(demoCheckpoint(), checkpoint, { recursive: true });
    const directory = join(place.paths.models, await taken({ model: checkpoint }));
    await expect(taken({ model: directory, visionPrecision: "int8" })).rejects.toMatchObject({
      hint: expect.stringMatching(/^for the other write `-m .*\/sloth --quant f16 --vision-precision int8`$/),
    });
  });
});
