import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lines, Place } from "../cli/binary.ts";
import { makePictures, pathWithDemo, tell } from "./pictures.ts";
import { recipe } from "./recipe.ts";
import { absentPrograms, Slurm, until } from "./slurm.ts";

const wanted = process.env["FLASHSLOTH_SLURM"] === "1";
const absent = wanted ? absentPrograms() : [];

const PICTURES = 200;
const PARTS = [1, 2, 3, 4, 5, 6, 7, 8];

const place = new Place();
let slurm: Slurm | undefined;

async function part(index: number): Promise<string> {
  return await readFile(place.path(`answers-${index}.jsonl`), "utf8").catch(() => "");
}

/** Kills a task in the midst of its work: the first that has answered something and is not through. @returns which */
async function killOne(cluster: Slurm, job: string): Promise<number> {
  for (const index of PARTS) {
    await until(async () => lines(await part(index)).length > 0);
    if (cluster.task(job, index).state === "RUNNING") {
      cluster.run("scancel", ["--signal=KILL", "--full", `${job}_${index}`]);
    }
    await until(() => ["FAILED", "CANCELLED", "COMPLETED"].includes(cluster.task(job, index).state));
    if (cluster.task(job, index).state !== "COMPLETED") return index;
  }
  throw new Error("every task was through before it could be killed");
}

describe.skipIf(!wanted)("a Slurm array job", () => {
  beforeAll(async () => {
    if (absent.length > 0) return;
    await place.convertDemo();
    await makePictures(place.path("photos"), PICTURES);
    await writeFile(place.path("captions.sbatch"), await recipe("captions.sbatch"));
    slurm = new Slurm(place.path("slurm"));
    await slurm.start();
  });
  afterAll(async () => slurm?.stop());

  it("answers every picture once, although one of its eight tasks is killed and requeued", async ({
    skip,
  }) => {
    if (absent.length > 0) return skip(`not installed: ${absent.join(", ")}`);
    if (slurm === undefined) throw new Error("no Slurm");
    const cluster = slurm;
    const PATH = await pathWithDemo(place.path("bin"));
    const env = place.environment({ PATH });
    const sent = cluster.run("sbatch", ["--parsable", "captions.sbatch"], { cwd: place.directory, env });
    const job = sent.trim();

    const killed = await killOne(cluster, job);
    const before = await part(killed);
    cluster.run("scontrol", ["requeue", `${job}_${killed}`]);
    // Slurm would let it wait for two minutes
    cluster.run("scontrol", ["update", `JobId=${job}_${killed}`, "StartTime=now"]);

    await until(() =>
      PARTS.every((index) => ["COMPLETED", "FAILED"].includes(cluster.task(job, index).state)),
    );
    for (const index of PARTS) expect(cluster.task(job, index)).toMatchObject({ state: "COMPLETED" });
    expect(cluster.task(job, killed).restarts).toBe(1);

    const names = (await readdir(place.directory)).filter((name) => name.startsWith("answers-")).sort();
    expect(names).toEqual(PARTS.map((index) => `answers-${index}.jsonl`));
    const records = (await Promise.all(PARTS.map(async (index) => await part(index)))).join("");
    const alone = await place.run([
      "ask",
      "-m",
      "demo",
      "-r",
      "photos",
      "-q",
      "Describe the image.",
      "--json",
    ]);
    expect(tell(records)).toEqual(tell(alone.stdout));
    expect(tell(records)).toHaveLength(PICTURES);
    // what was answered before the kill was not asked again
    const whole = before.slice(0, before.lastIndexOf("\n") + 1);
    expect((await part(killed)).startsWith(whole)).toBe(true);
    expect(lines(whole).length).toBeLessThan(lines(await part(killed)).length);
  }, 600_000);
});
