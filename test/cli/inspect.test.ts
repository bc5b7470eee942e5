import { cp, truncate } from "node:fs/promises";
import { resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { DEMO } from "../checkpoint/demo-copy.ts";
import { demoRepository } from "../hub/checkpoint-files.ts";
import { HubServer } from "../hub/server.ts";
import { lines, Place } from "./binary.ts";

const place = new Place();

async function hub(): Promise<{ server: HubServer; env: Record<string, string> }> {
  const server = await HubServer.start({ repo: "owner/sloth", files: await demoRepository() });
  onTestFinished(async () => server.close());
  return { server, env: { HF_ENDPOINT: server.endpoint, HF_HOME: place.path("hf") } };
}

describe("flashsloth inspect", () => {
  it("prints a table about a repository, from its headers alone, and writes nothing", async () => {
    const { server, env } = await hub();
    const { status, stdout, stderr } = await place.run(["inspect", "owner/sloth"], { env });
    expect([status, stderr]).toEqual([0, ""]);
    const [verdict, ...table] = lines(stdout);
    expect(verdict).toBe("owner/sloth at cccccccccccc: a FlashSloth checkpoint that converts");
    for (const row of [
      /^language {2,}6 layers of 128, 576 tokens, context 512$/,
      /^vision {2,}4 blocks of 96, 126 x 126 pixels$/,
      /^picture {2,}1 crop, 9 visual tokens, 9 queries before layer 2$/,
      /^tokenizer {2,}552 tokens, 295 merges, 3 added \(vocab\.json, merges\.txt, added_tokens\.json/,
      /^weights {2,}model\.safetensors, [\d.]+ MB, 189 tensors$/,
      /^ {2}vision tower {2,}67 +[\d.]+ [kM]B {2}F16$/,
      /^ {2}[\d.]+ MB to fetch, [\d.]+ MB more at the peak of the conversion, [\d.]+ MB in the end \(q4_k_m with fp32 vision\)$/,
    ]) {
      expect(
        table.filter((line) => row.test(line)),
        String(row),
      ).toHaveLength(1);
    }
    expect(server.sent("model.safetensors")).toBeLessThanOrEqual(128 * 1024);
    expect((await place.run(["list"])).stdout).toBe("");
  });

  it("prints one JSON object, and the same of a folder as of the repository", async () => {
    const { env } = await hub();
    const options = ["--json", "--quant", "q8_0", "--vision-precision", "int8"];
    const [there, here] = await Promise.all(
      ["hf:owner/sloth", DEMO].map(async (model) => {
        const { status, stdout } = await place.run(["inspect", model, ...options], { env });
        expect(status).toBe(0);
        expect(lines(stdout)).toHaveLength(1);
        return JSON.parse(stdout) as Record<string, unknown>;
      }),
    );
    const { where, revision, takes, ...rest } = there ?? {};
    expect(takes).toMatchObject({ quant: "q8_0", visionPrecision: "int8" });
    expect([where, revision]).toEqual(["owner/sloth", "c".repeat(40)]);
    expect(here).toMatchObject({ ...rest, where: resolve(DEMO), revision: null, takes: { fetch: 0 } });
  });

  it("ends with status 1 and every reason where it will not convert, 2 for no such thing, 4 without a hub", async () => {
    await cp(DEMO, place.path("damaged"), { recursive: true });
    await truncate(place.path("damaged/model.safetensors"), 100_000);
    await truncate(place.path("damaged/config.json"), 3);
    const { status, stdout } = await place.run(["inspect", "damaged"]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^.*damaged: nothing that converts\n/);
    expect(stdout).toMatch(/\nproblems\n {2}.*config\.json.*\n {2}.*model\.safetensors.*cut short.*\n/);
    expect(await place.run(["inspect", "no such folder"])).toMatchObject({ status: 2, stdout: "" });
    const env = { HF_HUB_OFFLINE: "1", HF_HOME: place.path("hf") };
    expect(await place.run(["inspect"], { env })).toMatchObject({ status: 4, stdout: "" });
  });
});
