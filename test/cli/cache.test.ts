import { beforeAll, describe, expect, it } from "vitest";
import { DRAWINGS_FOLDER, lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();

beforeAll(async () => place.convertDemo());

interface CachedRecord {
  readonly answer: string;
  readonly cached?: boolean;
  readonly bench?: { readonly cached: boolean; readonly reused_positions: number };
}

async function ask(words: readonly string[]): Promise<CachedRecord[]> {
  const { status, stdout, stderr } = await place.run(["ask", "-m", "demo", "--json", ...words]);
  expect([status, stderr.includes("error")]).toEqual([0, false]);
  return lines(stdout).map((line) => JSON.parse(line) as CachedRecord);
}

describe("what is kept of pictures", () => {
  it("spares the vision when a picture is asked about again, in a new process, unless it is not wanted", async () => {
    const other = "How many shapes are there?";
    await place.run(["cache", "clear"]);
    const [first] = await ask([RED_CIRCLE, QUESTION, "--bench"]);
    expect([first?.cached, first?.bench?.cached]).toEqual([undefined, false]);
    const [second] = await ask([RED_CIRCLE, other, "--bench"]);
    expect([second?.cached, second?.bench?.cached]).toEqual([true, true]);
    expect(second?.bench?.reused_positions).toBeGreaterThan(first?.bench?.reused_positions ?? Infinity);
    const [without] = await ask([RED_CIRCLE, other, "--no-cache"]);
    expect(without?.cached).toBeUndefined();
    expect(without?.answer).toBe(second?.answer);
  });

  it("serves a whole folder the second time", async () => {
    const words = [DRAWINGS_FOLDER, "-q", QUESTION, "-q", "How many shapes are there?"];
    const first = await ask(words);
    const second = await ask(words);
    expect(second).toHaveLength(400);
    expect(second.every(({ cached }) => cached === true)).toBe(true);
    const different = second.filter(({ answer }, index) => answer !== first[index]?.answer);
    expect(different.length).toBeLessThanOrEqual(4);
  });

  it("is shown and cleared by `cache`, and bounded by --cache-size", async () => {
    const shown = async (): Promise<Map<string, { entries: number; bytes: number }>> => {
      const { stdout } = await place.run(["cache", "--json"]);
      const parsed = lines(stdout).map(
        (line) => JSON.parse(line) as { name: string; entries: number; bytes: number },
      );
      return new Map(parsed.map(({ name, ...usage }) => [name, usage]));
    };
    expect((await shown()).get("features")?.entries).toBeGreaterThan(100);
    const { stderr } = await place.run(["cache", "clear"]);
    expect(stderr).toContain("are free again");
    for (const { entries } of (await shown()).values()) expect(entries).toBe(0);
    await ask([DRAWINGS_FOLDER, "-q", QUESTION, "--cache-size", "600k"]);
    const { entries = 0, bytes = 0 } = (await shown()).get("features") ?? {};
    expect(entries).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(600e3);
    expect((await place.run(["ask", RED_CIRCLE, QUESTION, "--cache-size", "much"])).status).toBe(2);
  });
});
