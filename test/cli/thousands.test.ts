import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { BINARY, finished, Place } from "./binary.ts";
import { draw } from "./drawn.ts";

/*
 * Order, completeness and memory of a long run: `FLASHSLOTH_PICTURES=5000 npx vitest run test/cli/thousands.test.ts` takes two
 * minutes on two cores and prints what it saw; the suite's own run is only long enough for the first two.
 */
const PICTURES = Number(process.env["FLASHSLOTH_PICTURES"] ?? 300);
/** By then every buffer has been needed once. */
const SETTLED = 500;
/** What V8's heap, the allocator and pages of libraries may still add on the way to thousands. */
const GROWTH_MB = 40;
const TIME_LIMIT_MS = 900_000;

const place = new Place();
let names: string[] = [];

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s*(\d+)/.exec(status)?.[1]) / 1024;
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
      const memory: { readonly rows: number; readonly mb: number }[] = [];
      child.stdout.on("data", (piece: Buffer) => {
        const before = Math.floor(rows / SETTLED);
        rows += piece.toString().split("\n").length - 1;
        const after = Math.floor(rows / SETTLED);
        if (after === before || process.platform !== "linux") return;
        void residentMb(child.pid ?? 0).then((mb) =>
          memory.push({ rows: after * SETTLED, mb: Math.round(mb) }),
        );
      });
      const { status, stdout } = await finished(child);
      expect(status).toBe(0);
      const images = stdout
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { image: string }).image);
      expect(images).toEqual(names.map((name) => `drawings/${name}`));
      const [settled] = memory;
      if (settled === undefined) return;
      console.log(`resident MB: ${memory.map((each) => `${each.mb} after ${each.rows}`).join(", ")}`);
      expect(Math.max(...memory.map(({ mb }) => mb)) - settled.mb).toBeLessThan(GROWTH_MB);
    },
    TIME_LIMIT_MS,
  );
});
