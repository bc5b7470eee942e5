import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveModel } from "../../../src/store/resolve.ts";
import { fakeConverter } from "../fake-converter.ts";
import { HubPlace, REPO, SHARD, SHARD_BYTES } from "./hub-place.ts";

describe("files that a hub tool downloaded", () => {
  it("are used where they are, after their hashes were checked", async () => {
    const place = await HubPlace.open();
    const folder = await place.fillToolCache();
    const before = await readdir(folder, { recursive: true });
    const { report } = await place.pull();
    expect(place.server.sent()).toBe(0);
    expect(report).toMatchObject({ received: 0, cached: report?.size });
    expect(place.events.some(({ stage }) => stage === "verify")).toBe(true);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
    expect(await place.strays()).toEqual([]);
  });

  it("are not believed when a byte is wrong: that file is fetched", async () => {
    const place = await HubPlace.open();
    const folder = await place.fillToolCache();
    const path = join(folder, "snapshots", place.server.commit, SHARD);
    const bytes = await readFile(path);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await place.pull();
    expect(place.server.sent()).toBe(SHARD_BYTES);
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  it("are found by their content when they belong to another commit", async () => {
    const place = await HubPlace.open();
    await place.fillToolCache();
    place.server.commit = "d".repeat(40);
    const { manifest } = await place.pull();
    expect(manifest.source.revision).toBe("d".repeat(40));
    expect(place.server.sent()).toBe(0);
  });

  it("are copies where links are not allowed, and count all the same", async () => {
    const place = await HubPlace.open();
    await place.fillToolCache({ copies: true });
    const { report } = await place.pull();
    expect(report?.received).toBe(0);
  });

  it("suffice without a network, by HF_HUB_OFFLINE or --no-download", async () => {
    const place = await HubPlace.open();
    await place.fillToolCache();
    place.env["HF_HUB_OFFLINE"] = "1";
    const { manifest } = await place.pull();
    expect(manifest.source.revision).toBe(place.server.commit);
    delete place.env["HF_HUB_OFFLINE"];
    const other = await HubPlace.open();
    await other.fillToolCache();
    const { paths, env } = other;
    const options = { model: `hf:${REPO}`, paths, env, download: false, convert: fakeConverter() };
    const { directory } = await resolveModel(options);
    expect((await stat(directory)).isDirectory()).toBe(true);
    expect([...place.server.requests, ...other.server.requests]).toEqual([]);
  });

  it("suffice when the hub cannot be reached", async () => {
    const place = await HubPlace.open();
    await place.fillToolCache();
    place.env["HF_ENDPOINT"] = "http://127.0.0.1:9";
    expect((await place.pull()).manifest.source.revision).toBe(place.server.commit);
    expect(place.notes().join()).toContain("using what");
  });
});

describe("a model that may not be fetched", () => {
  it.each([{ offline: "1" }, { download: false }])(
    "is missing, and the hint says what to do: %j",
    async (how) => {
      const place = await HubPlace.open();
      await place.fillToolCache({ leaveOut: SHARD });
      if ("offline" in how) place.env["HF_HUB_OFFLINE"] = how.offline;
      const { paths, env } = place;
      const download = "download" in how ? how.download : undefined;
      await expect(resolveModel({ model: "flashsloth-hd-3.2b", paths, env, download })).rejects.toMatchObject(
        {
          code: "model-missing",
          message: expect.stringContaining("flashsloth-hd-3.2b is not on this disk"),
          hint: expect.stringMatching(/`flashsloth pull flashsloth-hd-3.2b`.*-m demo/),
        },
      );
      await expect(resolveModel({ model: `hf:${REPO}`, paths, env, download })).rejects.toMatchObject({
        code: "model-missing",
        hint: expect.stringContaining(`flashsloth pull hf:${REPO}`),
      });
      expect(place.server.requests).toEqual([]);
    },
  );
});
