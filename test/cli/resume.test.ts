import { readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { FileOutput } from "../../src/cli/answers/file-output.ts";
import { StreamOutput } from "../../src/cli/answers/output.ts";
import { random } from "../random.ts";
import { finished, lines, Place, BINARY, type Finished } from "./binary.ts";
import { draw } from "./drawn.ts";
import { sink } from "./sink.ts";

/*
 * SIGKILL at random moments of a run over drawings. `FLASHSLOTH_KILLS=20 FLASHSLOTH_DRAWINGS=5000 npx vitest run
 * test/cli/resume.test.ts` is the long form; `FLASHSLOTH_SEED` repeats one.
 */
const KILLS = Number(process.env["FLASHSLOTH_KILLS"] ?? 4);
const DRAWINGS = Number(process.env["FLASHSLOTH_DRAWINGS"] ?? 60);
const SEED = Number(process.env["FLASHSLOTH_SEED"] ?? 1);
const QUESTION = "What color is the shape?";

const place = new Place();
let names: string[] = [];
beforeAll(async () => {
  await place.convertDemo();
  names = await draw(place.path("drawings"), DRAWINGS, SEED);
});

const words = (...more: readonly string[]): string[] =>
  `ask -m demo --no-cache drawings --format jsonl -o out.jsonl -q`.split(" ").concat(QUESTION, more);
const ask = async (...more: readonly string[]): Promise<Finished> => place.run(words(...more));
const resume = async (...more: readonly string[]): Promise<Finished> => ask("--resume", ...more);
const text = async (): Promise<string> => readFile(place.path("out.jsonl"), "utf8");

/** The records, their fields in order, less what is a matter of time. */
async function records(): Promise<string[]> {
  return lines(await text()).map((line) => {
    const { ms, ...record } = JSON.parse(line) as { ms?: object };
    return JSON.stringify({ ...record, stages: Object.keys(ms ?? {}).filter((stage) => stage !== "queue") });
  });
}

function imageOf(record: string): string {
  return (JSON.parse(record) as { image: string }).image;
}

/**
 * Kills a run when about so many of its rows are in the file, and a random while later.
 * @returns whether it was in the midst of its pictures
 */
async function killAt(rows: number, later: number): Promise<boolean> {
  const child = place.start(process.execPath, [BINARY, ...words("--resume")]);
  const ended = finished(child);
  while (child.exitCode === null && (await rowsThere()) < rows) await sleep(2);
  await sleep(later);
  child.kill("SIGKILL");
  const { signal } = await ended;
  const there = await rowsThere();
  return signal === "SIGKILL" && there > 0 && there < DRAWINGS;
}

async function rowsThere(): Promise<number> {
  return lines(await text().catch(() => "")).length;
}

let undisturbed: string[] = [];
let undisturbedText = "";

/** Long enough for a machine that does other things too. */
const LONG = { timeout: 60_000 + DRAWINGS * 400 + KILLS * 20_000 };

describe("a run over many pictures", LONG, () => {
  it("gives each its record, in order, and says what it did", async () => {
    const { status, stdout, stderr } = await ask();
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(stderr).toMatch(
      new RegExp(`^${DRAWINGS} answered, 0 failed, 0 skipped; [\\d.]+ pictures a second$`, "m"),
    );
    undisturbed = await records();
    undisturbedText = await text();
    expect(undisturbed.map(imageOf)).toEqual(names.map((name) => `drawings/${name}`));
    const first = JSON.parse(undisturbedText.split("\n")[0] ?? "") as Record<string, unknown>;
    expect(Object.keys(first).slice(-3)).toEqual(["key", "file", "settings"]);
  });

  it(`survives ${KILLS} kills: what was resumed is what was not disturbed`, async () => {
    const next = random(SEED);
    await rm(place.path("out.jsonl"));
    const moments = Array.from({ length: KILLS }, () => Math.floor(next() * DRAWINGS)).sort((a, b) => a - b);
    let inTheMidst = 0;
    for (const rows of moments) {
      if (await killAt(rows, next() * 40)) inTheMidst += 1;
      // a long run is also looked at after each kill
      if (DRAWINGS <= 100) continue;
      const there = (await text().catch(() => "")).split("\n").slice(0, -1);
      expect(new Set(there.map(imageOf)).size).toBe(there.length);
    }
    console.log(`${inTheMidst} of ${KILLS} kills in the midst of the pictures`);
    expect(inTheMidst).toBeGreaterThan(0);
    expect((await resume()).status).toBe(0);
    expect(await records()).toEqual(undisturbed);
    const left = await readdir(place.directory);
    expect(left.filter((name) => /\.(lock|tmp)$/.test(name))).toEqual([]);
  });

  it("is resumed after it was cut in the midst of a row", async () => {
    await writeFile(place.path("out.jsonl"), undisturbedText);
    await truncate(place.path("out.jsonl"), undisturbedText.length - 700);
    const { status, stderr } = await resume();
    expect(status).toBe(0);
    expect(stderr).toContain(`2 answered, 0 failed, ${DRAWINGS - 2} skipped`);
    expect(await records()).toEqual(undisturbed);
  });

  it("loads no model where nothing is left to be asked", async () => {
    await writeFile(place.path("out.jsonl"), undisturbedText);
    const { stderr, status } = await resume("--device", "cuda"); // which would be refused here
    expect({ status, text: await text() }).toEqual({ status: 0, text: undisturbedText });
    expect(stderr).toContain(`0 answered, 0 failed, ${DRAWINGS} skipped\n`);
  });

  it("refuses other options and says both, unless forced", async () => {
    await writeFile(place.path("out.jsonl"), undisturbedText.slice(0, -700));
    const before = await text();
    const refused = await resume("--max-tokens", "7");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("max_tokens: 512 there, 7 here");
    expect(await text()).toBe(before);
    const forced = await resume("--max-tokens", "7", "--force");
    expect(forced.status).toBe(0);
    expect(forced.stderr).toContain(`2 answered, 0 failed, ${DRAWINGS - 2} skipped`);
    expect(lines(await text())).toHaveLength(DRAWINGS);
  });

  it("has its file to itself", async () => {
    await writeFile(place.path("out.jsonl"), undisturbedText);
    const held = await FileOutput.open(place.path("out.jsonl"), new StreamOutput(sink().stream));
    for (const run of [await ask(), await resume()]) {
      expect(run.status).toBe(2);
      expect(run.stderr).toContain(`out.jsonl is being written by process ${process.pid}`);
    }
    await held.close();
    expect(await text()).toBe(undisturbedText);
  });

  it("tries again what failed, and counts what was answered before", async () => {
    await rm(place.path("out.jsonl"));
    const some = ["ask", "-m", "demo", "-q", QUESTION, "--json", "-o", "out.jsonl", "--resume"];
    const inputs = ["drawings/00000.png", "late.png", "drawings/00001.png"];
    const first = await place.run([...some, ...inputs]);
    expect(first).toMatchObject({ status: 3 });
    expect(first.stderr).toContain("2 answered, 1 failed (image-not-found 1), 0 skipped");
    const again = await place.run([...some, ...inputs]);
    expect(again).toMatchObject({ status: 3 });
    expect(again.stderr).toContain("0 answered, 1 failed (image-not-found 1), 2 skipped");
    await writeFile(place.path("late.png"), await readFile(place.path("drawings/00002.png")));
    expect(await place.run([...some, ...inputs])).toMatchObject({ status: 0 });
    const written = lines(await text()).map((line) => JSON.parse(line) as { image: string; answer?: string });
    expect(written.map(({ image }) => image)).toEqual([inputs[0], inputs[2], inputs[1]]);
    expect(written.every(({ answer }) => answer !== undefined)).toBe(true);
  });

  it("keeps whole rows when the disk is full, and goes on when there is room again", async () => {
    await rm(place.path("out.jsonl"));
    // in units of 1024 bytes; SIGXFSZ ignored, a write then fails as it does on a full disk
    const limited = `trap '' XFSZ; ulimit -f 8; $flashsloth ${words()
      .map((word) => `'${word}'`)
      .join(" ")}`;
    const { status, stdout, stderr } = await place.bash(limited);
    expect(status, stderr).toBe(1);
    expect(stderr).toContain("the answer cannot be written to out.jsonl");
    expect((await stat(place.path("out.jsonl"))).size).toBeLessThanOrEqual(8 * 1024);
    const there = await records();
    expect(there).toEqual(undisturbed.slice(0, there.length));
    expect(there.length).toBeGreaterThan(3);
    expect(imageOf(stdout)).toBe(imageOf(undisturbed[there.length] ?? "")); // the one in hand was printed
    expect((await resume()).status).toBe(0);
    expect(await records()).toEqual(undisturbed);
  });
});
