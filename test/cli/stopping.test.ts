import { truncate } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { MODEL, ProcessPlace, type Running } from "../store/processes.ts";
import { scratch } from "../store/scratch.ts";
import { QUESTION, RED_CIRCLE } from "./binary.ts";

const CHECKPOINT = resolve(import.meta.dirname, "../../src/store/demo/checkpoint");
const STOPPING = "stopping; press Ctrl-C again to stop at once";
const GOES_ON = "stopped; the same command goes on where it stopped";

/** Stops a command once it has said something, and gives its status and what it says from then on. */
async function stop(
  run: Running,
  once: string,
  signal: NodeJS.Signals = "SIGINT",
): Promise<{ readonly status: number | null; readonly said: string[] }> {
  await run.says(once);
  run.child.kill(signal);
  const { status, stderr, stdout } = await run.ended;
  expect(stdout).toBe("");
  const lines = stderr.split("\n").slice(0, -1);
  return { status, said: lines.slice(lines.indexOf(STOPPING)) };
}

describe("a command that Ctrl-C stops says what is true of it", () => {
  it.each([
    ["pull", [MODEL], GOES_ON],
    ["ask", ["-m", MODEL, RED_CIRCLE, QUESTION], GOES_ON],
    ["bench", ["-m", MODEL], "stopped; there is no result"],
  ])("%s", async (command, words, sentence) => {
    const place = await ProcessPlace.open(500_000);
    const run = place.start(command, ...words);
    expect(await stop(run, "downloading")).toEqual({ status: 130, said: [STOPPING, sentence] });
  });

  it("convert", async () => {
    const place = await ProcessPlace.open(1e9);
    const run = place.start("convert", CHECKPOINT, join(await scratch(), "out"));
    expect(await stop(run, "converting")).toEqual({ status: 130, said: [STOPPING, GOES_ON] });
  });

  it("verify", async () => {
    const place = await ProcessPlace.open(1e9);
    const out = join(await scratch(), "out");
    expect((await place.start("convert", CHECKPOINT, out).ended).status).toBe(0);
    await truncate(join(out, "vision.onnx.data"), 2 ** 34); // sparse, and long enough to be read when the signal comes
    const said = [STOPPING, "stopped; not every file was checked"];
    expect(await stop(place.start("verify", out), "checking")).toEqual({ status: 130, said });
  });

  it("remove, with the status that SIGTERM has", async () => {
    const place = await ProcessPlace.open(500_000);
    const pull = place.start("pull", MODEL);
    await pull.says("downloading");
    const said = [STOPPING, "stopped; the same command removes what is left"];
    const run = place.start("remove", MODEL);
    expect(await stop(run, "waiting for process", "SIGTERM")).toEqual({ status: 143, said });
  });
});
