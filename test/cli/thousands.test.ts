import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { BINARY, finished, Place } from "./binary.ts";
import { draw } from "./drawn.ts";

/*
 * Order, completeness and memory of a long run: `FLASHSLOTH_PICTURES=5000 npx vitest run test/cli/thousands.test.ts` takes two
 * minutes on two cores and prints what it saw; the suite's own run is only long enough for the first two.
 */
const PICTURES = Number(process.env["FLASHSLOTH_PICTURES"] ?? 300);
/**
 * Memory is all that the process has resident (`VmRSS`: libraries' pages, models and heaps), ten times a second, as a mean
 * over so many pictures: that around the 500th is what every later one is compared with.
 */
const WINDOW = 500;
const SAMPLE_EVERY_MS = 100;
const GROWTH = 0.05;
const TIME_LIMIT_MS = 900_000;

const place = new Place();
let names: string[] = [];

async function residentMb(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /VmRSS:\s*(\d+)/.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

/** Means over windows around every multiple of `WINDOW` pictures, the first of them after picture 250. */
class Smoothed {
  readonly #samples = new Map<number, number[]>();

  add(pictures: number, mb: number): void {
    const window = Math.round(pictures / WINDOW);
    const samples = this.#samples.get(window) ?? [];
    samples.push(mb);
    this.#samples.set(window, samples);
  }

  get means(): { readonly pictures: number; readonly mb: number }[] {
    return [...this.#samples]
      .filter(([window]) => window > 0)
      .map(([window, samples]) => {
        const sum = samples.reduce((total, mb) => total + mb, 0);
        return { pictures: window * WINDOW, mb: sum / samples.length };
      });
  }
}

describe(`a run over ${PICTURES} drawings`, () => {
  beforeAll(async () => {
    await place.convertDemo();
    names = await draw(place.path("drawings"), PICTURES, 7);
  });

  it(
    "answers each once and in order, in level memory",
    async () => {
      const words = "ask -m demo --no-cache --quiet --json drawings -q".split(" ");
      const child = place.start(process.execPath, [BINARY, ...words, "What color is the shape?"]);
      let rows = 0;
      const memory = new Smoothed();
      child.stdout.on("data", (piece: Buffer) => (rows += piece.toString().split("\n").length - 1));
      const sampling = setInterval(async () => {
        const at = rows;
        const mb = await residentMb(child.pid ?? 0);
        if (mb !== undefined && at < PICTURES) memory.add(at, mb);
      }, SAMPLE_EVERY_MS);
      const { status, stdout } = await finished(child);
      clearInterval(sampling);
      expect(status).toBe(0);
      const images = stdout
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { image: string }).image);
      expect(images).toEqual(names.map((name) => `drawings/${name}`));
      const means = memory.means;
      const [settled, ...later] = means;
      if (settled === undefined || later.length === 0) return;
      console.log(
        `resident MB: ${means.map(({ pictures, mb }) => `${mb.toFixed(1)} around ${pictures}`).join(", ")}`,
      );
      const most = Math.max(...later.map(({ mb }) => mb));
      console.log(`grows by ${((100 * most) / settled.mb - 100).toFixed(1)} %`);
      expect(most / settled.mb - 1).toBeLessThan(GROWTH);
    },
    TIME_LIMIT_MS,
  );
});
