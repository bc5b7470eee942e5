import { rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { storePaths } from "../../src/store/home.ts";
import { resolveModel } from "../../src/store/resolve.ts";
import { showBytes } from "../../src/core/show-bytes.ts";
import { freeBytes, requireSpace } from "../../src/core/files/disk-space.ts";
import { storeNeed } from "../../src/store/space.ts";
import { onTightDisk } from "../convert/tightDisk.ts";
import { diskPeak } from "../convert/disk-peak.ts";
import { folderRepository } from "../hub/checkpoint-files.ts";
import { demoCheckpoint } from "../../src/store/demo.ts";
import { inspectModel } from "../../src/store/inspect.ts";
import { HubPlace, REPO } from "./hub/hub-place.ts";
import { scratch } from "./scratch.ts";

const MB = 1_000_000;

describe("free space", () => {
  it("is that of the nearest folder that exists", async () => {
    const folder = await scratch();
    const here = await freeBytes(folder);
    expect(here).toBeGreaterThan(0);
    const there = (await freeBytes(join(folder, "not", "yet"))) ?? 0;
    expect(Math.abs(there - (here ?? 0))).toBeLessThan(500 * MB);
  });

  it("that is not enough is one line with what is needed and what is there", async () => {
    const home = await scratch();
    const free = (await freeBytes(home)) ?? 0;
    const need = { home, toFetch: free, toConvert: 6.4e9 };
    await expect(requireSpace(storeNeed(need))).rejects.toMatchObject({
      code: "disk",
      message: expect.stringMatching(
        /^not enough disk space: [\d.]+ [GT]B needed \([\d.]+ [GT]B to download, 6\.40 GB to convert\), [\d.]+ [GT]B free in /,
      ),
      hint: expect.stringMatching(/^free 6\.\d+ GB, or set FLASHSLOTH_HOME/),
    });
    await requireSpace(storeNeed({ home, toFetch: 0, toConvert: 1 }));
  });
});

describe("a disk that is too small", () => {
  it("is noticed before anything large is fetched, and a rerun after freeing space completes", async () => {
    await onTightDisk({ total: 0.8 * MB, longest: 200_000 }, async (disk) => {
      const place = await HubPlace.open();
      const paths = storePaths(join(disk.folder, "store"));
      await expect(place.pull({ paths })).rejects.toMatchObject({ code: "disk" });
      disk.relax();
      expect((await place.pull({ paths })).manifest.files).toHaveLength(4);
    });
  });

  it("that fills up while files arrive is one line with figures, and a rerun goes on", async () => {
    await onTightDisk({ total: 8 * MB, longest: 250_000 }, async (disk) => {
      const place = await HubPlace.open({ bytesPerSecond: 1_000_000 });
      const paths = storePaths(join(disk.folder, "store"));
      const ballast = join(disk.folder, "ballast");
      let filled: Promise<unknown> | undefined;
      const fill = async (): Promise<void> => {
        // a file that takes whatever is left
        const free = (await freeBytes(disk.folder)) ?? 0;
        if (free < 100 * MB) await writeFile(ballast, Buffer.alloc(free)).catch(() => undefined);
      };
      const pulled = place.pull({
        paths,
        onProgress: (event) => {
          // weights are on their way, so the look at the disk is over
          if (event.stage === "download" && event.done > 50_000) filled ??= fill();
        },
      });
      await expect(pulled).rejects.toMatchObject({
        code: "disk",
        message: expect.stringMatching(/the disk became full: .* needed .* free in|EFBIG/),
      });
      await filled;
      await rm(ballast, { force: true });
      disk.relax();
      expect((await place.pull({ paths })).manifest.files).toHaveLength(4);
    });
  });

  it("stops a conversion before it begins, with figures", async () => {
    await onTightDisk({ total: 2 * MB, longest: 500_000 }, async (disk) => {
      const paths = storePaths(join(disk.folder, "store"));
      await expect(resolveModel({ model: "demo", paths })).rejects.toMatchObject({ code: "disk" });
      disk.relax();
      expect((await resolveModel({ model: "demo", paths })).demo).toBe(true);
    });
  });
});

describe("what a pull takes from the disk", () => {
  it.each([
    ["q4_k_m", "fp32"],
    ["f16", "int8"],
  ] as const)("as %s with %s is what inspect says, and hardly less", async (quant, visionPrecision) => {
    const place = await HubPlace.open({ files: await folderRepository(demoCheckpoint()) });
    const { env, paths } = place;
    const model = `hf:${REPO}`;
    const { takes } = await inspectModel({ model, env, quant, visionPrecision });
    const said = (takes?.fetch ?? 0) + (takes?.convert ?? 0);
    const peak = await diskPeak(paths.home, async (look) => {
      await place.pull({ quant, visionPrecision, convert: undefined, onProgress: look });
    });
    expect(said / peak).toBeGreaterThan(1);
    expect(said / peak).toBeLessThan(1.04);
  });
});

describe("bytes in words", () => {
  it.each([
    [0, "0 B"],
    [512, "512 B"],
    [999, "999 B"],
    [999.6, "1.00 kB"],
    [12_000_000, "12.0 MB"],
    [999_499_999, "999 MB"],
    [999_600_000, "1.00 GB"],
    [6_430_000_000, "6.43 GB"],
    [5e15, "5000 TB"],
    [-3, "0 B"],
  ])("%d is %s", (bytes, text) => {
    expect(showBytes(bytes)).toBe(text);
  });
});

it("a file cut short after the pull is noticed when it is loaded", async () => {
  const place = await HubPlace.open();
  const { directory } = await place.pull();
  await truncate(join(directory, "language.gguf"), 1);
  const { paths, env } = place;
  await expect(resolveModel({ model: directory, paths, env })).rejects.toMatchObject({
    code: "model-invalid",
  });
});
