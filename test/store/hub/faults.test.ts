import { mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Fault } from "../../hub/server.ts";
import { HubPlace, SHARD, SHARD_BYTES } from "./hub-place.ts";

/** A fault on the first `times` requests for one shard. */
function firstTimes(place: HubPlace, times: number, fault: Fault): void {
  place.server.fault = (path, { count }) => (path === SHARD && count <= times ? fault : undefined);
}

describe("a hub that behaves", () => {
  it("gives the needed files once, pins the commit, and leaves nothing but the model", async () => {
    const place = await HubPlace.open();
    const pulled = await place.pull();
    expect(pulled.manifest.source).toEqual({ repo: "owner/sloth", revision: "c".repeat(40) });
    const bytes = [...place.server.files.values()].reduce((sum, file) => sum + file.bytes.byteLength, 0);
    expect(place.server.sent()).toBe(bytes);
    expect(pulled.report).toMatchObject({ received: bytes, size: bytes, cached: 0 });
    expect(await place.strays()).toEqual([]);
    expect(place.events.findLast(({ stage }) => stage === "download")).toMatchObject({
      done: bytes,
      total: bytes,
      files: 8,
      filesDone: 8,
    });
  });

  it("is not asked again once the model is there", async () => {
    const place = await HubPlace.open();
    await place.pull();
    const requests = place.server.requests.length;
    expect((await place.pull()).report).toBeUndefined();
    expect(place.server.requests).toHaveLength(requests);
  });

  it("gives the bytes that were published", async () => {
    const place = await HubPlace.open();
    await place.pull({ keepCheckpoint: true });
    const kept = join(place.paths.checkpoints, `owner--sloth@${"c".repeat(40)}`);
    for (const name of await readdir(kept)) {
      const published = place.server.files.get(name)?.bytes ?? new Uint8Array();
      expect((await readFile(join(kept, name))).equals(published), name).toBe(true);
    }
    expect(await readdir(place.paths.downloads)).toEqual([]);
    // another weight type is made from what was kept
    const sent = place.server.sent();
    await place.pull({ quant: "q8_0" });
    expect(place.server.sent()).toBe(sent);
  });
});

describe("a hub that misbehaves", () => {
  it("corrupts a byte once: the file is fetched again, and only that file", async () => {
    const place = await HubPlace.open();
    firstTimes(place, 1, { kind: "corrupt" });
    await place.pull();
    expect(place.server.sent(SHARD)).toBe(2 * SHARD_BYTES);
    expect(place.server.sent("model-00002-of-00003.safetensors")).toBe(SHARD_BYTES);
  });

  it("corrupts a byte each time: a clear error, and no model", async () => {
    const place = await HubPlace.open();
    firstTimes(place, Infinity, { kind: "corrupt" });
    await expect(place.pull()).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining(`${SHARD} arrived damaged 2 times`),
    });
    expect(place.conversions).toEqual([]);
    const left = await readdir(place.paths.downloads, { recursive: true });
    expect(left.some((name) => name.includes(SHARD))).toBe(false);
  });

  it("corrupts a byte of a small file: git's own hash tells", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path) => (path === "vocab.json" ? { kind: "corrupt" } : undefined);
    await expect(place.pull()).rejects.toThrow("vocab.json arrived damaged 2 times");
  });

  it("truncates: the rest is asked for by range, and no byte comes twice", async () => {
    const place = await HubPlace.open();
    firstTimes(place, 3, { kind: "truncate", after: 64 * 1024 });
    await place.pull();
    expect(place.server.sent(SHARD)).toBe(SHARD_BYTES);
    const ranges = place.server.requests.filter(({ path }) => path.includes(`stored/${SHARD}`));
    expect(ranges.map(({ status }) => status)).toEqual([200, 206, 206, 206]);
    expect(ranges.slice(1).every(({ ifRange }) => ifRange !== undefined)).toBe(true);
  });

  it("truncates at once, always: gives up after some attempts, and goes on when the line is good again", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path, { count }) =>
      path === SHARD ? { kind: "truncate", after: count === 1 ? 100_000 : 0 } : undefined;
    await expect(place.pull()).rejects.toMatchObject({ code: "network" });
    place.server.fault = () => undefined;
    const sent = place.server.sent();
    await place.pull();
    expect(place.server.sent(SHARD)).toBe(SHARD_BYTES);
    // what the other files had received is on this disk, whole or in part
    expect(place.server.sent() - sent).toBeLessThan(3 * SHARD_BYTES);
    expect(await place.strays()).toEqual([]);
  });

  it("stalls: the watchdog ends the connection, the rest comes over another one", async () => {
    const place = await HubPlace.open();
    firstTimes(place, 1, { kind: "stall", after: 80 * 1024 });
    const started = performance.now();
    await place.pull();
    expect(performance.now() - started).toBeGreaterThan(300);
    expect(place.server.sent(SHARD)).toBe(SHARD_BYTES);
    expect(place.notes().join()).toContain("nothing arrived any more");
  });

  it("is slow and never still: no time-out ends it", async () => {
    const place = await HubPlace.open({ bytesPerSecond: 250_000 });
    await place.pull();
    expect(place.server.requests.every(({ status }) => status < 400)).toBe(true);
    expect(place.notes()).toEqual([]);
  });

  it("changes the ETag between two runs: starts over instead of mixing two files", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path, { count }) =>
      path === SHARD ? { kind: "truncate", after: count === 1 ? 100_000 : 0 } : undefined;
    await expect(place.pull()).rejects.toMatchObject({ code: "network" });
    place.server.etagSalt = "changed";
    place.server.fault = () => undefined;
    await place.pull();
    const last = place.server.requests.findLast(({ path }) => path.includes(`stored/${SHARD}`));
    expect(last).toMatchObject({
      status: 200,
      range: expect.stringMatching(/^bytes=\d+-$/),
      sent: SHARD_BYTES,
    });
  });

  it("answers Range with 200: starts over", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path, { count }) => {
      if (path !== SHARD) return undefined;
      return count === 1 ? { kind: "truncate", after: 100_000 } : { kind: "ignore-range" };
    };
    await place.pull();
    expect(place.server.requests.findLast(({ path }) => path.includes(`stored/${SHARD}`))).toMatchObject({
      status: 200,
      sent: SHARD_BYTES,
    });
  });

  it("answers Range with 200 and truncates each time: gives up instead of going in circles", async () => {
    const place = await HubPlace.open();
    firstTimes(place, Infinity, { kind: "ignore-range", after: 100_000 });
    await expect(place.pull()).rejects.toMatchObject({ code: "network" });
    expect(place.server.count(`stored/${SHARD}`)).toBeLessThan(10);
  });

  it("answers with another range: starts over", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path, { count }) => {
      if (path !== SHARD || count > 2) return undefined;
      return count === 1 ? { kind: "truncate", after: 100_000 } : { kind: "wrong-range" };
    };
    await place.pull();
    expect(place.server.requests.findLast(({ path }) => path.includes(`stored/${SHARD}`))).toMatchObject({
      status: 200,
    });
  });

  it("answers 416: starts over", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path, { count }) => {
      if (path !== SHARD || count > 2) return undefined;
      return count === 1 ? { kind: "truncate", after: 100_000 } : { kind: "status", status: 416 };
    };
    await place.pull();
    expect(place.server.count(`stored/${SHARD}`)).toBe(3);
  });

  it("sends a file shorter than it listed: an error after some attempts", async () => {
    const place = await HubPlace.open();
    firstTimes(place, Infinity, { kind: "shorter", by: 10 });
    await expect(place.pull()).rejects.toThrow(`${SHARD} has ${SHARD_BYTES - 10} bytes, the hub lists`);
  });

  it("lists a wrong sha256 and says so on its redirect too: the content is refused", async () => {
    const place = await HubPlace.open();
    place.server.listedHash.set(SHARD, "0".repeat(64));
    await expect(place.pull()).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining(`${SHARD} arrived damaged 2 times`),
    });
  });

  it("sends 429 with Retry-After, then succeeds: waits as long as asked", async () => {
    const place = await HubPlace.open();
    firstTimes(place, 1, { kind: "status", status: 429, headers: { "retry-after": "1" } });
    const started = performance.now();
    await place.pull();
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(place.notes().join()).toContain("asks us to slow down (HTTP 429); trying again in 1 s");
  });

  it("sends 429 with a wait nobody sits through: says how long", async () => {
    const place = await HubPlace.open();
    place.server.apiFault = () => ({ kind: "status", status: 429, headers: { "retry-after": "3600" } });
    await expect(place.pull()).rejects.toMatchObject({
      code: "network",
      hint: expect.stringContaining("in 3600 s"),
    });
    expect(place.server.requests).toHaveLength(1);
  });

  it.each([500, 502, 503, 504, 408])("sends %d twice, then succeeds", async (status) => {
    const place = await HubPlace.open();
    firstTimes(place, 2, { kind: "status", status });
    place.server.apiFault = (_, count) => (count === 1 ? { kind: "status", status } : undefined);
    await place.pull();
    expect(place.server.sent(SHARD)).toBe(SHARD_BYTES);
  });

  it("sends 503 always: gives up after a bounded number of attempts", async () => {
    const place = await HubPlace.open();
    firstTimes(place, Infinity, { kind: "status", status: 503 });
    await expect(place.pull()).rejects.toMatchObject({ code: "network" });
    expect(place.server.count(`stored/${SHARD}`)).toBe(4);
  });

  it("lets a signed address run out: the hub is asked for a new one", async () => {
    const place = await HubPlace.open();
    firstTimes(place, 1, { kind: "status", status: 403 });
    await place.pull();
    expect(
      place.server.requests.filter(({ path }) => path.endsWith(SHARD) && path.includes("/resolve/")),
    ).toHaveLength(2);
  });

  it("is not there: one line that names it", async () => {
    const place = await HubPlace.open();
    place.env["HF_ENDPOINT"] = "http://127.0.0.1:9";
    await expect(place.pull()).rejects.toMatchObject({
      code: "network",
      message: expect.stringMatching(/127\.0\.0\.1:9 cannot be reached/),
    });
  });

  it("is a login page: says that it is no hub", async () => {
    const place = await HubPlace.open();
    place.server.apiFault = () => ({ kind: "status", status: 200 });
    await expect(place.pull()).rejects.toMatchObject({
      code: "network",
      hint: expect.stringContaining("login page"),
    });
  });
});

describe("what an interrupted run left", () => {
  it("may be damaged on the disk: the hash decides, and the file is fetched again", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path, { count }) =>
      path === SHARD ? { kind: "truncate", after: count === 1 ? 100_000 : 0 } : undefined;
    await expect(place.pull()).rejects.toMatchObject({ code: "network" });
    const part = join(place.paths.downloads, `owner--sloth@${"c".repeat(40)}`, `${SHARD}.part`);
    const bytes = await readFile(part);
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    await writeFile(part, bytes);
    place.server.fault = () => undefined;
    expect((await place.pull()).manifest.name).toBe("hf:owner/sloth");
  });

  it("may be longer than the file: it is dropped", async () => {
    const place = await HubPlace.open();
    const folder = join(place.paths.downloads, `owner--sloth@${"c".repeat(40)}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${SHARD}.part`), Buffer.alloc(SHARD_BYTES + 1));
    await place.pull();
    expect(place.server.sent(SHARD)).toBe(SHARD_BYTES);
  });

  it("may be whole and not renamed: nothing is fetched", async () => {
    const place = await HubPlace.open();
    const folder = join(place.paths.downloads, `owner--sloth@${"c".repeat(40)}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${SHARD}.part`), place.server.files.get(SHARD)?.bytes ?? "");
    await place.pull();
    expect(place.server.count(SHARD)).toBe(0);
  });

  it("may be of a commit that the branch has left: it is cleared away", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path) => (path === SHARD ? { kind: "truncate", after: 0 } : undefined);
    await expect(place.pull()).rejects.toMatchObject({ code: "network" });
    expect((await stat(join(place.paths.downloads, `owner--sloth@${"c".repeat(40)}`))).isDirectory()).toBe(
      true,
    );
    place.server.commit = "d".repeat(40);
    place.server.fault = () => undefined;
    expect((await place.pull()).manifest.source.revision).toBe("d".repeat(40));
    expect(await place.strays()).toEqual([]);
  });

  it("loses its tail: goes on from what is there", async () => {
    const place = await HubPlace.open();
    place.server.fault = (path, { count }) =>
      path === SHARD ? { kind: "truncate", after: count === 1 ? 100_000 : 0 } : undefined;
    await expect(place.pull()).rejects.toMatchObject({ code: "network" });
    await truncate(join(place.paths.downloads, `owner--sloth@${"c".repeat(40)}`, `${SHARD}.part`), 50_000);
    place.server.fault = () => undefined;
    await place.pull();
    const last = place.server.requests.findLast(({ path }) => path.endsWith(SHARD));
    expect(last).toMatchObject({ range: "bytes=50000-" });
  });
});
