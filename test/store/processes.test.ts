import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { MODEL, ProcessPlace } from "./processes.ts";

describe("several processes", () => {
  it.each([2, 4])("%d that pull the same model: one download, the others wait and use it", async (count) => {
    const place = await ProcessPlace.open(4_000_000);
    const runs = Array.from({ length: count }, () => place.start("pull", MODEL, "--json"));
    const ended = await Promise.all(runs.map(async (run) => run.ended));
    expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 0));
    expect(place.server.sent()).toBe(place.needed());
    const results = ended.map(({ stdout }) => JSON.parse(stdout) as { directory: string; bytes?: unknown });
    expect(new Set(results.map(({ directory }) => directory)).size).toBe(1);
    expect(results.filter(({ bytes }) => bytes !== undefined)).toHaveLength(1);
    const waiting = ended.filter(({ stderr }) => stderr.includes("waiting for process"));
    expect(waiting).toHaveLength(count - 1);
    expect(await place.contents()).toEqual(["models/owner--sloth"]);
  });

  it("go on where another was killed, and do not wait for the dead", async () => {
    const place = await ProcessPlace.open(1_500_000);
    const first = place.start("pull", MODEL);
    await first.says("downloading");
    const second = place.start("pull", MODEL, "--json");
    await second.says("waiting for process");
    first.child.kill("SIGKILL");
    await first.ended;
    const left = await place.fetched();
    expect(left.size).toBeGreaterThan(0);
    const { status, stdout } = await second.ended;
    expect(status).toBe(0);
    const { bytes } = JSON.parse(stdout) as { bytes: { received: number } };
    const there = [...left.values()].reduce((sum, file) => sum + file.bytes, 0);
    expect(bytes.received).toBe(place.needed() - there);
    expect(await place.contents()).toEqual(["models/owner--sloth"]);
  });

  it("stop at Ctrl-C with status 130, and the same command goes on", async () => {
    const place = await ProcessPlace.open(1_000_000);
    const first = place.start("pull", MODEL);
    await first.says("downloading");
    first.child.kill("SIGINT");
    expect((await first.ended).status).toBe(130);
    expect(await readdir(place.paths.locks)).toEqual([]);
    const { status } = await place.start("pull", MODEL).ended;
    expect(status).toBe(0);
    expect(place.server.sent()).toBeLessThan(place.needed() + 4 * 256 * 1024);
    expect(await place.contents()).toEqual(["models/owner--sloth"]);
  });

  it("four that convert the demo at once all succeed", async () => {
    const place = await ProcessPlace.open(1e9);
    const ended = await Promise.all(
      Array.from({ length: 4 }, async () => place.start("pull", "demo", "--json").ended),
    );
    expect(ended.map(({ status, stderr }) => (status === 0 ? "" : stderr))).toEqual(["", "", "", ""]);
    expect(new Set(ended.map(({ stdout }) => stdout)).size).toBe(1);
    expect(await place.contents()).toEqual([expect.stringMatching(/^models\/demo@/)]);
  });
});
