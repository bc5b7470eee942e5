import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { drawing, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();
const prompts = (): string => place.path("store/caches/prompts");
const ask = async (...words: string[]): ReturnType<Place["run"]> =>
  place.run(["ask", "-m", "demo", "--quiet", ...words, QUESTION]);

describe("what is kept of the prompt", () => {
  it("is one file, which changes no answer and goes with its model", async () => {
    const first = await ask(RED_CIRCLE, drawing("190.png"));
    expect(await readdir(prompts())).toHaveLength(1);
    const second = await ask(RED_CIRCLE, drawing("190.png"));
    expect(second).toEqual(first);
    expect(second.stdout).toContain(": Red.\n");
    expect(await readdir(prompts())).toHaveLength(1);
    expect(await place.run(["remove", "demo"])).toMatchObject({ status: 0 });
    expect(await readdir(prompts())).toEqual([]);
  });

  it("can do without a place", async () => {
    await rm(prompts(), { recursive: true, force: true });
    await mkdir(place.path("store/caches"), { recursive: true });
    await writeFile(prompts(), "a file where the folder should be");
    expect(await ask(RED_CIRCLE)).toMatchObject({ status: 0, stdout: "Red.\n", stderr: "" });
  });
});
