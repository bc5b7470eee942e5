import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { HubConnection } from "../../../src/store/hub/connection.ts";
import { RangeSource } from "../../../src/store/hub/range-source.ts";
import { PATIENCE } from "../../../src/store/hub/retry.ts";
import { hubSettings } from "../../../src/store/hub/settings.ts";
import { noise } from "../../hub/checkpoint-files.ts";
import { HubServer } from "../../hub/server.ts";
import { random } from "../../random.ts";

const BYTES = noise(1_000_000, 3);
const patience = { ...PATIENCE, attempts: 3, pauseMs: 1, stallMs: 300 };

let server: HubServer;
let source: RangeSource;

beforeEach(async () => {
  server = await HubServer.start({ repo: "a/b", files: { "w.safetensors": { bytes: BYTES, lfs: true } } });
  source = await open();
});

async function open(options: { window?: number; hex?: string } = {}): Promise<RangeSource> {
  const connection = new HubConnection(
    await hubSettings({ HF_ENDPOINT: server.endpoint, HF_HOME: "/nowhere" }),
    patience,
  );
  onTestFinished(async () => {
    await connection.close();
    await server.close();
  });
  const { hex = "0".repeat(64), window } = options;
  server.listedHash.set("w.safetensors", "0".repeat(64));
  const file = { path: "w.safetensors", size: BYTES.byteLength, digest: { kind: "sha256", hex } } as const;
  return new RangeSource({
    connection,
    repo: "a/b",
    commit: server.commit,
    file,
    retry: { patience },
    window,
  });
}

describe("ranges of a file of the hub", () => {
  it("are the file's bytes, wherever they are read", async () => {
    const next = random(5);
    for (let round = 0; round < 40; round++) {
      const offset = Math.floor(next() * BYTES.byteLength);
      const length = Math.floor(next() ** 3 * (BYTES.byteLength - offset + 1));
      const got = await source.read(offset, length);
      expect(Buffer.compare(got, BYTES.subarray(offset, offset + length)), `${offset} ${length}`).toBe(0);
    }
    await expect(source.read(BYTES.byteLength - 1, 2)).rejects.toThrow("lie outside");
    await expect(source.read(-1, 2)).rejects.toThrow("lie outside");
  });

  it("are asked for with what follows, more each time, and not again", async () => {
    source = await open({ window: 1024 * 1024 });
    for (const at of [0, 8, 60_000, 130_000, 400_000, 600_000, 900_000]) await source.read(at, 16);
    const ranges = server.requests.filter(({ host }) => host === "storage").map(({ range }) => range);
    expect(ranges).toEqual(["bytes=0-131071", "bytes=400000-924287"]);
  });

  it("come from a server that knows no ranges, as far as its answer is read", async () => {
    server.fault = () => ({ kind: "ignore-range" });
    server.bytesPerSecond = 2_000_000;
    expect(Buffer.compare(await source.read(5000, 100), BYTES.subarray(5000, 5100))).toBe(0);
    expect(server.sent()).toBeLessThan(BYTES.byteLength);
  });

  it.each([
    ["truncate", { kind: "truncate", after: 1000 }],
    ["stall", { kind: "stall", after: 1000 }],
    ["status", { kind: "status", status: 503 }],
  ] as const)("are asked for again after a %s", async (_, fault) => {
    server.fault = (_path, { count }) => (count === 1 ? fault : undefined);
    expect(Buffer.compare(await source.read(50_000, 5000), BYTES.subarray(50_000, 55_000))).toBe(0);
  });

  it("that are others than was asked for are refused", async () => {
    server.fault = () => ({ kind: "wrong-range" });
    await expect(source.read(300_000, 10)).rejects.toMatchObject({ code: "network" });
  });

  it("of a file that changes between two are refused", async () => {
    await source.read(0, 10);
    server.etagSalt = "other";
    await expect(source.read(500_000, 10)).rejects.toMatchObject({
      code: "network",
      message: "a/b/w.safetensors changed",
    });
  });

  it("of another content than the hub lists are refused", async () => {
    source = await open({ hex: "1".repeat(64) });
    await expect(source.read(0, 10)).rejects.toMatchObject({
      message: "the hub contradicts itself about w.safetensors",
    });
  });
});
