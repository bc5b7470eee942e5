import { describe, expect, it } from "vitest";
import { digestOf, type PreparedPicture } from "../../src/image/picture.ts";
import { SharedPictures } from "../../src/engine/shared-pictures.ts";
import { FakeEngine, PREPARED } from "../pipeline/fake-engine.ts";

/** A picture whose pixels are all `value`. */
function plain(value: number): PreparedPicture {
  const seen = { ...PREPARED, pixels: new Uint8Array(12).fill(value) };
  return { ...seen, digest: digestOf(seen) };
}

describe("SharedPictures", () => {
  it("has a picture encoded once while it is asked about, and lets it go once", async () => {
    const engine = new FakeEngine();
    const pictures = new SharedPictures(engine);
    const [first, again, other] = [
      await pictures.encode(plain(1), {}),
      await pictures.encode(plain(1), {}),
      await pictures.encode(plain(2), {}),
    ];
    expect([first.id, again.id, other.id]).toEqual([1, 1, 2]);
    expect(first).toMatchObject({ cached: false, ms: { vision: 20 } });
    expect(again).toMatchObject({ cached: true, ms: { image: 0, wait: 0, vision: 0 } });
    await pictures.release(first);
    await pictures.close();
    expect(engine.released).toEqual([]);
    await pictures.release(again);
    await pictures.release(other);
    await pictures.close();
    expect(engine.released).toEqual([1, 2]);
  });

  it("keeps the last few, the least recently used go", async () => {
    const engine = new FakeEngine();
    const pictures = new SharedPictures(engine);
    for (const value of [1, 2, 3, 4, 1, 5]) await pictures.release(await pictures.encode(plain(value), {}));
    expect(engine.released).toEqual([2]);
    expect((await pictures.encode(plain(1), {})).id).toBe(1);
  });

  it("has one encoded again that could not be", async () => {
    let calls = 0;
    const engine = new FakeEngine({
      encodePicture: async () => {
        calls++;
        throw new Error("not now");
      },
    });
    const pictures = new SharedPictures(engine);
    await expect(pictures.encode(plain(1), {})).rejects.toThrow("not now");
    await expect(pictures.encode(plain(1), {})).rejects.toThrow("not now");
    expect(calls).toBe(2);
  });
});
