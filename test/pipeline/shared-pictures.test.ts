import { describe, expect, it } from "vitest";
import type { PreparedPicture } from "../../src/image/picture.ts";
import { answers } from "../../src/pipeline/run.ts";
import { FakeEngine, jobsOf, PREPARED } from "./fake-engine.ts";

/** A picture whose pixels are all `value`. */
function plain(value: number): PreparedPicture {
  return { ...PREPARED, pixels: new Uint8Array(12).fill(value), digest: String(value) };
}

describe("a run over pictures that are given twice", () => {
  it.each([1, 4])("looks at each once and reports it once: %i at once", async (parallel) => {
    const prepared = new Map([
      ["a", 1],
      ["copy of a", 1],
      ["b", 2],
    ]);
    let encoded = 0;
    const engine = new FakeEngine({
      parallel,
      preparePicture: async (input) => plain(prepared.get(String(input)) ?? 0),
      encodePicture: async () => ({ ...(await new FakeEngine().encodePicture("")), id: ++encoded }),
    });
    const inputs = ["a", "copy of a", "b", "a", "b"].map((label) => ({ label, input: label }));
    const records: unknown[] = [];
    const run = answers({ jobs: jobsOf(inputs, ["q"]), engine: async () => engine, model: "demo", ask: {} });
    for await (const { record } of run) {
      records.push([record.image, "ms" in record ? record.ms.vision : "failed"]);
    }
    expect(records).toEqual([
      ["a", 20],
      ["copy of a", 0],
      ["b", 20],
      ["a", 0],
      ["b", 0],
    ]);
    expect(encoded).toBe(2);
    expect(new Set(engine.released)).toEqual(new Set([1, 2]));
    expect(engine.released).toHaveLength(2);
  });
});
