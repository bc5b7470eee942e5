import { readdir } from "node:fs/promises";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { DEMO } from "../checkpoint/demo-copy.ts";
import { folderRepository } from "../hub/checkpoint-files.ts";
import { HubServer, type ServedFile } from "../hub/server.ts";
import { drawing, lines, Place, type Finished } from "./binary.ts";

const place = new Place();
const ASKED = ["023.png", "003.png", "001.png"].map(drawing);
const QUESTION = "What color is the circle?";

let uploaded: Record<string, ServedFile>;
beforeAll(async () => {
  await place.run(["convert", DEMO, "./out", "--name", "shapes", "--quant", "q8_0"]);
  uploaded = await folderRepository(place.path("out"));
});

async function ask(model: string, env: Record<string, string> = {}): Promise<unknown[]> {
  const { status, stdout, stderr } = await place.run(["ask", "--json", "-m", model, ...ASKED, QUESTION], {
    env,
  });
  expect(status, stderr).toBe(0);
  return lines(stdout).map((line) => {
    const { image, answer, finish, tokens } = JSON.parse(line) as Record<string, unknown>;
    return { image, answer, finish, tokens };
  });
}

async function run(...words: string[]): Promise<Finished> {
  const finished = await place.run(words);
  expect(finished.status, finished.stderr).toBe(0);
  return finished;
}

describe("a converted folder", () => {
  it("that was uploaded is pulled by an empty store: no conversion, its bytes, the same answers", async () => {
    const server = await HubServer.start({ repo: "team/sloth", files: uploaded });
    onTestFinished(async () => server.close());
    const env = {
      HF_ENDPOINT: server.endpoint,
      HF_HOME: place.path("hf"),
      FLASHSLOTH_HOME: place.path("empty"),
    };
    const inspected = await place.run(["inspect", "hf:team/sloth"], { env });
    expect(inspected.stdout).toContain("team/sloth at cccccccccccc: a converted model, used as it is");
    const before = server.sent();
    const pulled = await place.run(["pull", "hf:team/sloth"], { env });
    expect(pulled).toMatchObject({ status: 0, stdout: "" });
    expect(pulled.stderr).toContain("converted already");
    const bytes = Object.values(uploaded).reduce((sum, file) => sum + file.bytes.byteLength, 0);
    expect(server.sent() - before).toBe(bytes);
    expect(await readdir(place.path("empty/models"))).toEqual(["team--sloth.q8_0"]);
    await server.close();
    expect(await ask("hf:team/sloth", env)).toEqual(await ask("./out"));
  });

  it("is pulled by its path, asked by its name, listed, verified and removed", async () => {
    const pulled = await run("pull", "./out");
    expect(pulled.stderr).toContain("shapes is ready");
    expect((await run("list")).stdout).toMatch(/^shapes {2}q8_0 {2}/);
    expect((await run("verify", "shapes")).stdout).toContain("ok          language.gguf");
    expect(await ask("shapes")).toEqual(await ask("./out"));
    await run("remove", "shapes");
    expect((await run("list")).stdout).toBe("");
  });
});
