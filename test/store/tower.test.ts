import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { readManifest } from "../../src/core/model/manifest.ts";
import { inspectModel } from "../../src/store/inspect.ts";
import { resolveModel, type ResolvedModel, type ResolveOptions } from "../../src/store/resolve.ts";
import { DEMO } from "../checkpoint/demo-copy.ts";
import { folderRepository } from "../hub/checkpoint-files.ts";
import { apart, SIGLIP } from "../hub/tower-apart.ts";
import type { ServedFile } from "../hub/server.ts";
import { HubPlace } from "./hub/hub-place.ts";
import { scratch } from "./scratch.ts";

/** Hashes of what the demo is converted to, by file. */
const reference = new Map<string, string>();
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-tower-"));
  const { files } = await convertCheckpoint({ checkpoint: DEMO, out: join(folder, "m"), name: "m" });
  for (const { name, sha256 } of files) reference.set(name, sha256);
  await rm(folder, { recursive: true });
});

async function write(directory: string, files: Record<string, ServedFile>): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, { bytes }] of Object.entries(files)) await writeFile(join(directory, name), bytes);
}

/** A checkpoint's folder without a vision tower, which `mm_vision_tower` says to be at `checkpoints/base/siglip-…`; and a hub. */
async function lacking(): Promise<{
  place: HubPlace;
  checkpoint: string;
  siglip: Record<string, ServedFile>;
  tower: number;
  resolve: (options?: Partial<ResolveOptions>) => Promise<ResolvedModel>;
}> {
  const { files, siglip, tower } = await apart();
  const checkpoint = join(await scratch(), "towerless");
  await write(checkpoint, files);
  const place = await HubPlace.open({ files: await folderRepository(DEMO), others: { [SIGLIP]: siglip } });
  const { paths, env } = place;
  const onProgress: ResolveOptions["onProgress"] = (event) => place.events.push(event);
  return {
    place,
    checkpoint,
    siglip,
    tower,
    resolve: async (options = {}) => {
      const patience = { attempts: 1, pauseMs: 1 };
      return resolveModel({ model: checkpoint, paths, env, onProgress, patience, ...options });
    },
  };
}

async function expectSame({ directory }: ResolvedModel): Promise<void> {
  for (const { name, sha256 } of (await readManifest(directory)).files) {
    if (name !== "language.gguf") expect(sha256, name).toBe(reference.get(name));
  }
}

describe("a checkpoint's folder without a vision tower", () => {
  it("takes the one of the hub that its configuration means: so much of it as is needed, once, and leaves nothing", async () => {
    const { place, resolve, tower } = await lacking();
    const key = `${SIGLIP}/model.safetensors`;
    let asked = 0;
    place.server.fault = (path) => {
      if (path === key) asked += 1;
      return asked > 1 ? { kind: "truncate", after: 100_000 } : undefined;
    };
    await expect(resolve()).rejects.toMatchObject({ code: "network" });
    place.server.fault = () => undefined;
    await expectSame(await resolve());
    expect(place.server.sent(key)).toBeGreaterThan(tower);
    expect(place.server.sent(key)).toBeLessThan(5_000_000);
    expect(await place.strays()).toEqual([]);
    const requests = place.server.requests.length;
    await resolve();
    expect(place.server.requests.length).toBe(requests);
  });

  it("takes the one at the path that its configuration gives, from its own folder", async () => {
    const { place, resolve, checkpoint, siglip } = await lacking();
    const named = join(checkpoint, "checkpoints/base/siglip-so400m-patch14-384");
    await write(named, siglip);
    expect((await inspectModel({ model: checkpoint, env: place.env })).visionTower).toBe(named);
    await expectSame(await resolve());
    expect(place.server.requests).toEqual([]);
  });

  it("says what is missing where nothing may be fetched", async () => {
    const { resolve, checkpoint, place } = await lacking();
    await expect(resolve({ download: false })).rejects.toMatchObject({
      code: "model-missing",
      message: `${checkpoint} does not hold its vision tower, which is ${SIGLIP}: ${SIGLIP} is not on this disk`,
    });
    expect((await readdir(place.paths.models)).filter((name) => !name.startsWith("."))).toEqual([]);
  });

  it("is inspected with the tower that would be fetched, and what of it", async () => {
    const { checkpoint, place, tower } = await lacking();
    const { env } = place;
    const found = await inspectModel({ model: checkpoint, env });
    expect(found).toMatchObject({ usable: true, visionTower: `${SIGLIP}@${"c".repeat(12)}` });
    expect(found.takes?.fetch).toBeLessThan(tower);
    expect(found.takes?.fetch).toBeGreaterThan(0.8 * tower);
    expect(place.server.sent()).toBeLessThanOrEqual(128 * 1024);
    const { usable, problems } = await inspectModel({
      model: checkpoint,
      env: { ...env, HF_HUB_OFFLINE: "1" },
    });
    expect(usable).toBe(false);
    expect(problems).toEqual([expect.stringContaining(`does not hold its vision tower, which is ${SIGLIP}`)]);
  });
});
