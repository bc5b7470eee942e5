import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { listModels } from "../../src/store/list.ts";
import { verifyModel } from "../../src/store/verify.ts";
import { MODEL, ProcessPlace, type Running } from "./processes.ts";
import { random } from "../random.ts";

/*
 * SIGKILL at random moments of a download and of the conversion after it. `FLASHSLOTH_KILLS=200 npx vitest run
 * test/store/kills.test.ts` is the long form; `FLASHSLOTH_SEED` repeats a run.
 */
const KILLS = Number(process.env["FLASHSLOTH_KILLS"] ?? 8);
const SEED = Number(process.env["FLASHSLOTH_SEED"] ?? 1);

/** How far a pull is, by what is on the disk. */
const PHASES = ["nothing", "download", "conversion", "done"] as const;

async function phase(place: ProcessPlace): Promise<(typeof PHASES)[number]> {
  if ((await listModels(place.paths)).length > 0) return "done";
  const has = await place.fetched();
  if (has.size === 0) return "nothing";
  const weights = [...has].filter(([name]) => name.endsWith(".safetensors"));
  return weights.length === 4 && weights.every(([, file]) => file.whole) ? "conversion" : "download";
}

/**
 * The first kills hit each phase in turn, so that none is left to chance. Of the others a tenth hits the start, half of them the
 * download, the rest what comes after it.
 */
async function moment(kill: number, place: ProcessPlace, run: Running, next: () => number): Promise<void> {
  const aimed = PHASES[kill];
  if (aimed !== undefined) {
    while (run.child.exitCode === null && (await phase(place)) !== aimed) await sleep(2);
    return;
  }
  const sent = place.server.sent();
  const onDisk = [...(await place.fetched()).values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const missing = place.needed() - onDisk;
  const [kind, fraction] = [next(), next()];
  if (kind < 0.1) {
    await sleep(fraction * 300);
    return;
  }
  const wanted = kind < 0.6 ? fraction * missing : missing;
  while (run.child.exitCode === null && place.server.sent() - sent < wanted) await sleep(2);
  if (kind >= 0.6) await sleep(fraction * 600);
}

it(
  `survives ${KILLS} kills: the next run completes, fetches no verified byte again and leaves no stray file`,
  { timeout: 60_000 + KILLS * 15_000 },
  async () => {
    const place = await ProcessPlace.open(2_500_000);
    const next = random(SEED);
    const moments = { nothing: 0, download: 0, conversion: 0, done: 0 };
    for (let kill = 0; kill < KILLS;) {
      const strokes = 1 + Math.floor(next() * 2);
      for (let stroke = 0; stroke < strokes && kill < KILLS; stroke++, kill++) {
        const had = await place.fetched();
        const run = place.start("pull", MODEL);
        await moment(kill, place, run, next);
        run.child.kill("SIGKILL");
        await run.ended;

        // nothing half is ever shown, and nothing that is shown is wrong
        const listed = await listModels(place.paths);
        if (listed.length > 0) {
          const verified = await verifyModel({ model: MODEL, paths: place.paths });
          expect(verified.every(({ ok }) => ok)).toBe(true);
        }
        const has = await place.fetched();
        for (const [file, { whole: verified }] of had) {
          if (listed.length === 0 && has.size > 0 && verified) expect(has.get(file)?.whole, file).toBe(true);
        }
        moments[await phase(place)] += 1;
      }

      const left = await place.fetched();
      const complete = (await listModels(place.paths)).length > 0;
      const sentBefore = new Map([...left.keys()].map((file) => [file, place.server.sent(file)]));
      const { status, stderr } = await place.start("pull", MODEL).ended;
      expect(status, stderr).toBe(0);
      for (const [file, { bytes, whole: verified }] of left) {
        const again = place.server.sent(file) - (sentBefore.get(file) ?? 0);
        const size = place.server.files.get(file)?.bytes.byteLength ?? 0;
        expect(again, file).toBe(complete || verified ? 0 : size - bytes);
      }
      expect((await verifyModel({ model: MODEL, paths: place.paths })).map(({ ok }) => ok)).toEqual([true]);
      expect(await place.contents()).toEqual([expect.stringMatching(/^models\/owner--sloth$/)]);
      await place.empty();
    }
    console.log(`kills by moment: ${JSON.stringify(moments)}`);
    for (const reached of PHASES.slice(0, KILLS)) expect(moments[reached], reached).toBeGreaterThan(0);
  },
);
