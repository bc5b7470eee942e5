import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { Manifest } from "../../src/core/manifest.ts";
import { onTightDisk } from "./tightDisk.ts";

const DEMO = fileURLToPath(new URL("../../src/store/demo/checkpoint", import.meta.url));

let folder: string;
let demo: Manifest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-full-"));
  demo = await convertCheckpoint({ checkpoint: DEMO, out: join(folder, "demo"), name: "demo" });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("convertCheckpoint on a full disk", () => {
  it.each([0.02, 0.3, 0.7, 0.97])(
    "says so at %f of the bytes, leaves nothing, and works with more room",
    async (part) => {
      const sizes = demo.files.map(({ size }) => size);
      const total = Math.round(part * sizes.reduce((sum, size) => sum + size, 0));
      const longest = Math.round(part * Math.max(...sizes));
      await onTightDisk({ total, longest }, async (disk) => {
        const options = { checkpoint: DEMO, out: join(disk.folder, "model"), name: "demo" };
        await expect(convertCheckpoint(options)).rejects.toMatchObject({
          code: "disk",
          message: expect.stringMatching(disk.message),
        });
        expect(await readdir(disk.folder)).toEqual([]);
        disk.relax();
        expect(await convertCheckpoint(options)).toEqual(demo);
      });
    },
  );
});
