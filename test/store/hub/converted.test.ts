import { lstat, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertCheckpoint } from "../../../src/convert/convert.ts";
import { resolveModel } from "../../../src/store/resolve.ts";
import { DEMO } from "../../checkpoint/demo-copy.ts";
import { folderRepository, inShards } from "../../hub/checkpoint-files.ts";
import { gitSha1, type ServedFile } from "../../hub/server.ts";
import { HubPlace, REPO } from "./hub-place.ts";

/*
 * A repository that holds a converted model: used as it is, and refused by name wherever its manifest does not tell the truth.
 */
let folder: string;
let uploaded: Record<string, ServedFile>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-converted-"));
  const source = { repo: "Tongbo/FlashSloth-3.2B", revision: "a".repeat(40) };
  await convertCheckpoint({ checkpoint: DEMO, out: join(folder, "m"), name: "m", source, quant: "q8_0" });
  uploaded = await folderRepository(join(folder, "m"));
});
afterAll(async () => rm(folder, { recursive: true }));

/** What a manifest says, as far as the tests change it. */
interface Said {
  [field: string]: unknown;
  files: { name: string; size: number; sha256: string }[];
  roles: Record<string, string>;
  geometry: Record<string, unknown>;
  embeddings: { offset: number };
}

function text(words: string): ServedFile {
  return { bytes: Buffer.from(words), lfs: false };
}

/** The repository with another manifest, and other files beside it. */
function saying(change: (said: Said) => void, others: Record<string, ServedFile> = {}): typeof uploaded {
  const said = JSON.parse(Buffer.from(uploaded["manifest.json"]?.bytes ?? []).toString()) as Said;
  change(said);
  return { ...uploaded, ...others, "manifest.json": text(JSON.stringify(said)) };
}

/** The entry of a file in a manifest. */
function entry(said: Said, name: string): Said["files"][number] {
  const found = said.files.find((file) => file.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

describe("a repository that holds a converted model", () => {
  it("is pulled by an empty store as it is: no conversion, and the bytes of the folder", async () => {
    const extras = { ".gitattributes": text("*"), "notes/how.md": text("so"), "old.gguf": text("x") };
    const place = await HubPlace.open({ files: { ...uploaded, ...extras } });
    const { directory, name, manifest, report } = await place.pull();
    const bytes = Object.values(uploaded).reduce((sum, file) => sum + file.bytes.byteLength, 0);
    expect(report).toMatchObject({ converted: true, received: bytes, size: bytes, cached: 0 });
    expect([place.server.sent(), place.conversions, name]).toEqual([bytes, [], `hf:${REPO}`]);
    expect((await readdir(directory)).sort()).toEqual(Object.keys(uploaded).sort());
    for (const [file, { bytes: sent }] of Object.entries(uploaded)) {
      const same = (await readFile(join(directory, file))).equals(sent);
      expect(same || file === "manifest.json", file).toBe(true);
    }
    expect(manifest).toMatchObject({
      name: `hf:${REPO}`,
      source: { repo: "Tongbo/FlashSloth-3.2B", revision: "a".repeat(40) },
      fetchedFrom: { repo: REPO, revision: "c".repeat(40) },
    });
    expect(await place.strays()).toEqual([]);

    const asked = place.server.requests.length;
    expect((await place.pull()).report).toBeUndefined();
    expect((await place.pull({ quant: "q8_0" })).directory).toBe(directory);
    const { paths, env } = place;
    const resolved = await resolveModel({ model: `hf:${REPO}`, paths, env, download: false });
    expect(resolved.directory).toBe(directory);
    expect(place.server.requests.length).toBe(asked);
  });

  it("comes from the hub tools' cache, and is the store's own then", async () => {
    const place = await HubPlace.open({ files: uploaded });
    await place.fillToolCache();
    const { directory, report } = await place.pull();
    expect(report).toMatchObject({ received: 0 });
    expect(place.server.sent()).toBe(0);
    for (const name of await readdir(directory)) {
      expect((await lstat(join(directory, name))).isSymbolicLink(), name).toBe(false);
    }
  });

  it("goes on where a pull broke off", async () => {
    const place = await HubPlace.open({ files: uploaded });
    place.server.fault = (path) =>
      path === "language.gguf" ? { kind: "truncate", after: 100_000 } : undefined;
    await expect(place.pull({ patience: { attempts: 1 } })).rejects.toMatchObject({ code: "network" });
    place.server.fault = () => undefined;
    const { report } = await place.pull();
    const bytes = Object.values(uploaded).reduce((sum, file) => sum + file.bytes.byteLength, 0);
    expect(report?.received).toBeLessThanOrEqual(bytes - 100_000);
    expect(await place.strays()).toEqual([]);
  });

  it("is the variant that it is: another one is refused, and where it can be had is said", async () => {
    const place = await HubPlace.open({ files: uploaded });
    for (const wanted of [{ quant: "q4_k_m" }, { visionPrecision: "int8" }] as const) {
      await expect(place.pull(wanted)).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("holds q8_0 with fp32 vision, already converted, and not "),
        hint: expect.stringMatching(/or make the other with `flashsloth pull flashsloth-3.2b --quant q/),
      });
    }
    expect(place.server.sent("language.gguf")).toBe(0);
    expect(await readdir(place.paths.models)).toEqual([]);
  });

  it("is a checkpoint where manifest.json is another program's", async () => {
    const files = inShards(await folderRepository(DEMO), 2);
    const place = await HubPlace.open({
      files: { ...files, "manifest.json": text('{"name": "Web app", "icons": []}') },
    });
    expect((await place.pull()).report?.converted).toBe(false);
    expect(place.conversions).toHaveLength(1);
  });
});

describe("a manifest that does not tell the truth is refused by name, before anything large comes:", () => {
  const hash = "0".repeat(64);
  const lies: readonly (readonly [string, (said: Said) => void, string])[] = [
    ["a newer format", (m) => (m["format"] = 2), "is of format 2, this release reads format 1"],
    ["an older format", (m) => (m["format"] = 0), "is of format 0, this release reads format 1"],
    ["a file", (m) => (entry(m, "embq.onnx.data").name = "gone.data"), "lists gone.data, which is not there"],
    ["a size", (m) => (entry(m, "embq.onnx.data").size = 5), "gives embq.onnx.data 5 bytes, and it has "],
    [
      "a hash",
      (m) => (entry(m, "language.gguf").sha256 = hash),
      "gives language.gguf the hash 000000000000…",
    ],
    ["a role that is no file of its own", (m) => (m.roles["vision"] = "v.onnx"), "vision is to be v.onnx"],
    [
      "a file above the folder",
      (m) => (entry(m, "embq.onnx").name = "../embq.onnx"),
      '"../embq.onnx" is no plain',
    ],
    [
      "a file below it",
      (m) => (entry(m, "embq.onnx").name = "a/embq.onnx"),
      '"a/embq.onnx" is no plain file name',
    ],
    [
      "a file elsewhere",
      (m) => (entry(m, "embq.onnx").name = "/etc/passwd"),
      '"/etc/passwd" is no plain file name',
    ],
    ["a file of a drive", (m) => (entry(m, "embq.onnx").name = "C:x"), '"C:x" is no plain file name'],
    ["a hidden file", (m) => (entry(m, "embq.onnx").name = ".etag"), '".etag" is no plain file name'],
    [
      "a role above the folder",
      (m) => (m.roles["language"] = "../l.gguf"),
      '"../l.gguf" is no plain file name',
    ],
    [
      "a device of Windows",
      (m) => m.files.push({ name: "con.txt", size: 0, sha256: hash }),
      "lists a file con.txt",
    ],
    [
      "itself",
      (m) => m.files.push({ name: "Manifest.json", size: 0, sha256: hash }),
      "lists a file Manifest.json",
    ],
    ["a file twice", (m) => m.files.push(entry(m, "embq.onnx")), "lists the file embq.onnx twice"],
    [
      "a name twice, but for case",
      (m) => m.files.push({ ...entry(m, "embq.onnx"), name: "EMBQ.onnx" }),
      "lists embq.onnx and EMBQ.onnx, which are one file where case does not count",
    ],
    [
      "embeddings beyond the file",
      (m) => (m.embeddings.offset = 1e9),
      "the token embeddings lie outside language.gguf",
    ],
    [
      "another number of queries",
      (m) => (m.geometry["queries"] = 8),
      "queries.f32 has no room for exactly 8 queries",
    ],
    ["EmbQ after the last layer", (m) => (m.geometry["embqLayer"] = 6), "puts EmbQ before layer 6 of 6"],
    [
      "an end beyond the vocabulary",
      (m) => (m.geometry["endTokens"] = [576]),
      "ends answers at token 576 of 576",
    ],
    ["a size that is none", (m) => (m.geometry["layers"] = -1), "geometry.layers"],
    ["a weight type that is a path", (m) => (m["quant"] = "../../q8_0"), '"../../q8_0" is no weight type'],
    ["no roles that we know", (m) => (m.roles = {}), "roles.vision"],
  ];

  it.each(lies)("%s", async (_, change, message) => {
    const place = await HubPlace.open({ files: saying(change) });
    await expect(place.pull()).rejects.toMatchObject({
      code: "model-invalid",
      message: expect.stringMatching(new RegExp(`^${REPO}/manifest\\.json`)),
    });
    await expect(place.pull()).rejects.toMatchObject({ message: expect.stringContaining(message) });
    const manifest = Buffer.from(place.server.files.get("manifest.json")?.bytes ?? []);
    expect(place.server.sent()).toBe(manifest.byteLength);
    expect(await readdir(place.paths.models)).toEqual([]);
    expect(place.conversions).toEqual([]);
  });

  it("the hash of a small file, which the hub does not know, once it is there", async () => {
    const small = { bytes: Buffer.alloc(64, 1), lfs: false };
    const change = (said: Said): void => {
      const { bytes } = uploaded["queries.f32"] ?? small;
      entry(said, "queries.f32").sha256 = gitSha1(bytes).padEnd(64, "0");
    };
    const { "queries.f32": queries = small } = uploaded;
    const place = await HubPlace.open({
      files: saying(change, { "queries.f32": { ...queries, lfs: false } }),
    });
    await expect(place.pull()).rejects.toMatchObject({
      code: "model-invalid",
      message: `${REPO}/manifest.json gives queries.f32 another hash than it has`,
    });
    expect(await readdir(place.paths.models)).toEqual([]);
  });

  it("and inspect says the same", async () => {
    const { inspectModel } = await import("../../../src/store/inspect.ts");
    const place = await HubPlace.open({ files: saying((said) => (said.geometry["queries"] = 8)) });
    const found = await inspectModel({ model: REPO, env: place.env });
    expect(found).toMatchObject({
      kind: "converted",
      usable: false,
      problems: [expect.stringContaining("queries.f32 has no room for exactly 8 queries")],
    });
  });
});
