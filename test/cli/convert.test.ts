import { existsSync } from "node:fs";
import { cp, mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { apart } from "../hub/tower-apart.ts";
import { Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();
const CHECKPOINT = resolve(import.meta.dirname, "../../src/store/demo/checkpoint");

describe("flashsloth convert", () => {
  it("makes a folder that ask takes with -m, named as told", async () => {
    const converted = await place.run(["convert", CHECKPOINT, "./out", "--name", "shapes"]);
    expect(converted).toMatchObject({ status: 0, stdout: "" });
    expect(converted.stderr).toContain("converted to ./out");
    const manifest = JSON.parse(await readFile(place.path("out/manifest.json"), "utf8")) as object;
    expect(manifest).toMatchObject({ format: 1, name: "shapes" });
    const { stdout } = await place.run(["ask", "-m", "./out", "--json", RED_CIRCLE, QUESTION]);
    expect(JSON.parse(stdout)).toMatchObject({ answer: "Red.", model: "shapes" });
  });

  it("says nothing when quiet", async () => {
    const quiet = await place.run(["convert", "--quiet", CHECKPOINT, "quiet"]);
    expect(quiet).toEqual({ status: 0, signal: null, stdout: "", stderr: "" });
  });

  it("says what is wrong with a damaged checkpoint, and leaves nothing behind", async () => {
    await cp(CHECKPOINT, place.path("damaged"), { recursive: true });
    await truncate(place.path("damaged/model.safetensors"), 100_000);
    const { status, stderr } = await place.run(["convert", "damaged", "never"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: .*model\.safetensors/m);
    expect(existsSync(place.path("never"))).toBe(false);
  });

  it("takes a vision tower that the weights lack from where it is told", async () => {
    const { files, siglip } = await apart();
    for (const [folder, contents] of [
      ["towerless", files],
      ["siglip", siglip],
    ] as const) {
      await mkdir(place.path(folder));
      for (const [name, { bytes }] of Object.entries(contents)) {
        await writeFile(place.path(`${folder}/${name}`), bytes);
      }
    }
    const env = { HF_HUB_OFFLINE: "1", HF_HOME: place.path("hf") };
    const alone = await place.run(["convert", "towerless", "seeing"], { env });
    expect(alone.status).toBe(4);
    expect(alone.stderr).toContain("towerless does not hold its vision tower, which is google/siglip");
    const { status, stderr } = await place.run(
      ["convert", "towerless", "seeing", "--vision-tower", "siglip", "--name", "shapes"],
      { env },
    );
    expect([status, stderr]).toEqual([0, expect.stringContaining("it is taken from siglip\n")]);
    const { stdout } = await place.run(["ask", "-m", "./seeing", RED_CIRCLE, QUESTION]);
    expect(stdout).toBe("Red.\n");
  });

  it("needs both folders", async () => {
    expect(await place.run(["convert", CHECKPOINT])).toMatchObject({ status: 2, stdout: "" });
  });
});
