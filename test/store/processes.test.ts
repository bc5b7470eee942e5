import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MODEL, ProcessPlace, type Running } from "./processes.ts";

/** Bytes a second at which a download is still under way when another process has started, however busy the machine is. */
const SLOW = 15_000;

/** Resolves once all of several processes but one have said that they wait, or ended. */
async function othersWait(runs: readonly Running[]): Promise<void> {
  const said = runs.map(async (run) => run.says("waiting for process"));
  await Promise.any(runs.map(async (_, one) => Promise.all(said.filter((_wait, index) => index !== one))));
}

describe("several processes", () => {
  it.each([2, 4])("%d that pull the same model: one download, the others wait and use it", async (count) => {
    const place = await ProcessPlace.open(SLOW);
    const runs = Array.from({ length: count }, () => place.start("pull", MODEL, "--json"));
    await othersWait(runs);
    place.server.bytesPerSecond = undefined;
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
    const place = await ProcessPlace.open(1e9);
    place.server.fault = (path, { count }) => {
      // the beginnings of the weights have come, and this is the rest
      if (path.endsWith(".safetensors") && count > 1) place.server.bytesPerSecond = SLOW;
      return undefined;
    };
    const first = place.start("pull", MODEL);
    await first.says("downloading");
    const second = place.start("pull", MODEL, "--json");
    await second.says("waiting for process");
    second.child.kill("SIGSTOP"); // or it goes on while what is left is counted
    first.child.kill("SIGKILL");
    expect((await first.ended).signal).toBe("SIGKILL");
    const left = await place.fetched();
    expect(left.size).toBeGreaterThan(0);
    place.server.fault = () => undefined;
    place.server.bytesPerSecond = undefined;
    second.child.kill("SIGCONT");
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

describe("asking with a model that is not there yet", () => {
  const drawing = join(import.meta.dirname, "../fixtures/eval/023.png");
  const question = "What color is the circle?";

  it("fetches it, converts it and answers; afterwards nothing is fetched", async () => {
    const place = await ProcessPlace.open(8_000_000);
    const first = await place.start("ask", "-m", MODEL, drawing, question).ended;
    expect(first).toMatchObject({ status: 0, stdout: "Red.\n" });
    expect(first.stderr).toContain("downloading the model");
    expect(place.server.sent()).toBe(place.needed());
    const requests = place.server.requests.length;
    const second = await place.start("ask", "-m", MODEL, drawing, question).ended;
    expect(second).toMatchObject({ status: 0, stdout: "Red.\n" });
    expect(place.server.requests).toHaveLength(requests);
  });

  it("ends with status 4 where it may not or cannot be fetched, and names what to do", async () => {
    const place = await ProcessPlace.open(1e9);
    const refused = await place.start("ask", "--no-download", "-m", MODEL, drawing, question).ended;
    expect(refused).toMatchObject({ status: 4, stdout: "" });
    expect(refused.stderr).toMatch(/not on this disk.*\n.*`flashsloth pull hf:owner\/sloth`.*-m demo/);
    place.env["HF_HUB_OFFLINE"] = "1";
    expect((await place.start("ask", "-m", MODEL, drawing, question).ended).status).toBe(4);
    delete place.env["HF_HUB_OFFLINE"];
    const unknown = await place.start("ask", "-m", "hf:owner/other", drawing, question).ended;
    expect(unknown.status).toBe(4);
    expect(await place.contents()).toEqual([]);
  });
});

describe("the commands about the store", () => {
  it("pull, list, verify and remove a model, as text and as JSON", async () => {
    const place = await ProcessPlace.open(1e9);
    const run = async (...words: string[]): Promise<string[]> => {
      const { status, stdout, stderr } = await place.start(...words).ended;
      expect(status, stderr).toBe(0);
      return stdout.split("\n").slice(0, -1);
    };
    expect(await run("list", "--json")).toEqual([]);
    expect(await run("pull", MODEL)).toEqual([]);
    expect(await run("list")).toEqual([
      expect.stringMatching(/^hf:owner\/sloth {2}q4_k_m {2}\d\.\d\d MB {2}owner\/sloth@cccccccccccc$/),
    ]);
    const [listed] = (await run("list", "--json")).map((line) => JSON.parse(line) as unknown);
    expect(listed).toMatchObject({ name: MODEL, repo: "owner/sloth", revision: "c".repeat(40) });
    expect(await run("verify", MODEL)).toContain("ok          language.gguf");
    const [removed] = (await run("remove", MODEL, "--json")).map((line) => JSON.parse(line) as unknown);
    expect(removed).toMatchObject({ name: MODEL, removed: [join(place.paths.models, "owner--sloth")] });
    expect(await place.contents()).toEqual([]);
  });
});
