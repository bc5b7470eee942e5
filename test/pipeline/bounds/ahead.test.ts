import { describe, expect, it } from "vitest";
import { PicturesAhead, type PlaceAhead } from "../../../src/pipeline/bounds/ahead.ts";
import { PREPARED } from "../fake-engine.ts";

/** A picture of `megapixels`, whose crops take a megabyte. */
function engineFor(megapixels: number): { preparePicture: () => Promise<typeof PREPARED> } {
  const picture = { ...PREPARED, pixels: new Uint8Array(1e6), width: 1000, height: megapixels * 1000 };
  return { preparePicture: async () => picture };
}

/** Asks for twenty places. @returns those that there are, and more as they become free */
async function entered(ahead: PicturesAhead): Promise<PlaceAhead[]> {
  const places: PlaceAhead[] = [];
  for (let count = 0; count < 20; count++) void ahead.enter().then((place) => place && places.push(place));
  await settled();
  return places;
}

async function settled(): Promise<void> {
  await new Promise(setImmediate);
}

describe("pictures that get ready ahead", () => {
  it.each([
    [1, 4, 4],
    [12, 4, 4],
    [12, 20, 7], // 36 MB each of 256 MB
    [200, 4, 1],
  ])("of %i megapixels and at most %i: %i", async (megapixels, pictures, expected) => {
    const ahead = new PicturesAhead({ pictures, now: () => 0 });
    const place = await ahead.enter();
    await place?.prepare(engineFor(megapixels), "a.png");
    place?.leave();
    expect(await entered(ahead)).toHaveLength(expected);
  });

  it("take less room once they are ready, and none when they have gone on", async () => {
    const ahead = new PicturesAhead({ pictures: 3, bytes: 700e6, now: () => 0 });
    const engine = engineFor(200); // decoded 600 MB, prepared 1 MB
    const first = await ahead.enter();
    await first?.prepare(engine, "a.png");
    const places = await entered(ahead);
    expect(places).toHaveLength(1);
    await places[0]?.prepare(engine, "b.png");
    await settled();
    expect(places).toHaveLength(2);
    await places[1]?.prepare(engine, "c.png");
    await settled();
    expect(places).toHaveLength(2);
    first?.leave();
    await settled();
    expect(places).toHaveLength(3);
  });
});
