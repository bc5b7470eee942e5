import { describe, expect, it } from "vitest";
import { VisionSide, type SeenPicture, type VisionSideOptions } from "../../src/engine/vision-side.ts";
import type { PreparedPicture } from "../../src/image/picture.ts";
import type { EncodedCrops, EncodeOptions } from "../../src/vision/encoder.ts";

/** A picture whose crops are one number each, so that features tell where they came from. */
function picture(digest: string, ...crops: number[]): PreparedPicture {
  return { pixels: Uint8Array.from(crops), crops: crops.length, size: 1, width: 1, height: 1, digest };
}

/** An encoder that takes its time; a crop's feature is its number, its two tokens that number with a sign. */
class FakeEncoder {
  readonly cropsPerRun: number;
  /** the crops of each call */
  readonly calls: number[][] = [];
  /** how many of them are over */
  finished = 0;
  #fails = 0;

  constructor(cropsPerRun: number) {
    this.cropsPerRun = cropsPerRun;
  }

  failOnce(): void {
    this.#fails++;
  }

  async encode({ pixels, signal }: EncodeOptions): Promise<EncodedCrops> {
    const crops = [...pixels];
    this.calls.push(crops);
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.finished++;
    signal?.throwIfAborted();
    if (this.#fails > 0) {
      this.#fails--;
      throw new Error("the device is lost");
    }
    return {
      features: Float32Array.from(crops),
      visualTokens: Float32Array.from(crops.flatMap((crop) => [crop, -crop])),
    };
  }
}

class FakeCache {
  readonly kept = new Map<string, EncodedCrops>();
  readonly written: Promise<void> = Promise.resolve();

  async find({ digest: key }: PreparedPicture): Promise<{ key: string; crops?: EncodedCrops }> {
    const crops = this.kept.get(key);
    return crops === undefined ? { key } : { key, crops };
  }

  async keep(key: string, crops: EncodedCrops): Promise<void> {
    this.kept.set(key, crops);
  }
}

function side(
  encoder: FakeEncoder,
  options: Partial<VisionSideOptions> = {},
): { vision: VisionSide; order: string[]; see: (seen: PreparedPicture) => Promise<SeenPicture> } {
  const vision = new VisionSide({
    encoder,
    loadUncompressed: async () => ({
      project: async (features) => features.map((value) => value * 100),
      dispose: async () => {},
    }),
    ...options,
  });
  const order: string[] = [];
  const see = async (seen: PreparedPicture): Promise<SeenPicture> => {
    const found = await vision.see(seen, {});
    order.push(seen.digest);
    return found;
  };
  return { vision, order, see };
}

function featuresOf({ crops }: SeenPicture): number[] {
  return [...crops.features];
}

describe("a device that takes one crop a run", () => {
  it("encodes pictures one by one in their order", async () => {
    const encoder = new FakeEncoder(1);
    const { vision, order, see } = side(encoder);
    const seen = await Promise.all([see(picture("a", 1)), see(picture("b", 2, 3)), see(picture("c", 4))]);
    expect(encoder.calls).toEqual([[1], [2, 3], [4]]);
    expect(seen.map(featuresOf)).toEqual([[1], [2, 3], [4]]);
    expect(order).toEqual(["a", "b", "c"]);
    expect(vision.counters).toEqual({ picturesEncoded: 3, featuresRead: 0 });
  });

  it("gives what was kept before it begins to encode what comes after that", async () => {
    const encoder = new FakeEncoder(1);
    const cache = new FakeCache();
    const { see } = side(encoder, { cache });
    await see(picture("a", 1));
    const later = see(picture("b", 2));
    const kept = see(picture("a", 1)).then(() => encoder.finished);
    const last = see(picture("c", 3));
    await later;
    expect(await kept).toBe(2);
    await last;
  });
});

describe("a device that takes eight crops a run", () => {
  it("encodes those together that wait, as many as fit, each as if it were alone", async () => {
    const encoder = new FakeEncoder(8);
    const { vision, order, see } = side(encoder);
    const first = [picture("a", 1), picture("b", 2, 3, 4), picture("c", 5, 6, 7, 8, 9)].map(see);
    const seen = await Promise.all([...first, see(picture("d", 10))]);
    expect(encoder.calls).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8, 9, 10],
    ]);
    expect(seen.map(featuresOf)).toEqual([[1], [2, 3, 4], [5, 6, 7, 8, 9], [10]]);
    expect([...(seen[1]?.crops.visualTokens ?? [])]).toEqual([2, -2, 3, -3, 4, -4]);
    expect(order).toEqual(["a", "b", "c", "d"]);
    expect(vision.counters).toEqual({ picturesEncoded: 4, featuresRead: 0 });
  });

  it("takes along what arrives in the event loop while a run blocks it", async () => {
    const encoder = new FakeEncoder(8);
    const { see } = side(encoder);
    const first = see(picture("a", 1));
    const rest: Promise<SeenPicture>[] = [];
    for (const [at, digest] of ["b", "c", "d"].entries()) {
      setTimeout(() => rest.push(see(picture(digest, at + 2))), 2);
    }
    await first;
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all(rest);
    expect(encoder.calls).toEqual([[1], [2, 3, 4]]);
  });

  it("leaves out what was stopped before its turn, and stops only a picture that is alone", async () => {
    const encoder = new FakeEncoder(8);
    const { vision, see } = side(encoder);
    const stop = new AbortController();
    const before = AbortSignal.abort(new Error("enough"));
    const never = vision.see(picture("n", 9), { signal: before });
    const half = vision.see(picture("h", 2), { signal: stop.signal });
    const whole = see(picture("w", 3));
    setTimeout(() => stop.abort(), 2);
    await expect(never).rejects.toMatchObject({ code: "interrupted" });
    expect(featuresOf(await half)).toEqual([2]); // its neighbour's run went on
    expect(featuresOf(await whole)).toEqual([3]);
    expect(encoder.calls).toEqual([[2, 3]]);
    const alone = new AbortController();
    const last = vision.see(picture("l", 4), { signal: alone.signal });
    setTimeout(() => alone.abort(), 2);
    await expect(last).rejects.toThrow("aborted");
    expect(vision.counters.picturesEncoded).toBe(2);
  });

  it("keeps each picture on its own, reads it back, and never encodes one twice in a run", async () => {
    const encoder = new FakeEncoder(8);
    const cache = new FakeCache();
    const { vision, order, see } = side(encoder, { cache });
    const seen = await Promise.all([see(picture("a", 1)), see(picture("b", 2)), see(picture("a", 1))]);
    expect(encoder.calls).toEqual([[1, 2]]);
    expect(seen.map(({ cached, key }) => [cached, key])).toEqual([
      [false, "a"],
      [false, "b"],
      [true, "a"],
    ]);
    expect([...(cache.kept.get("b")?.features ?? [])]).toEqual([2]);
    expect(vision.counters).toEqual({ picturesEncoded: 2, featuresRead: 1 });
    // what was kept does not overtake what is encoded before it
    order.length = 0;
    await Promise.all([see(picture("x", 5)), see(picture("b", 2)), see(picture("y", 6))]);
    expect(encoder.calls.slice(1)).toEqual([[5, 6]]);
    expect(order).toEqual(["x", "b", "y"]);
  });

  it("projects a picture that is to be left uncompressed, and its neighbour not", async () => {
    const encoder = new FakeEncoder(8);
    const cache = new FakeCache();
    const { vision, see } = side(encoder, { cache });
    const whole = vision.see(picture("a", 7), { uncompressed: true });
    const pooled = await see(picture("b", 8));
    expect([...(await whole).crops.visualTokens]).toEqual([700]);
    expect([...pooled.crops.visualTokens]).toEqual([8, -8]);
    expect([...cache.kept.keys()]).toEqual(["b"]);
    expect(encoder.calls).toEqual([[7, 8]]);
  });

  it("tells everyone in a run that it failed, and goes on with the next", async () => {
    const encoder = new FakeEncoder(2);
    const cache = new FakeCache();
    const { vision, see } = side(encoder, { cache });
    cache.kept.set("k", { features: Float32Array.of(9), visualTokens: Float32Array.of(9, -9) });
    encoder.failOnce();
    const [a, k, b] = await Promise.allSettled([
      see(picture("a", 1)),
      see(picture("k", 9)),
      see(picture("b", 2)),
    ]);
    expect(a.status).toBe("rejected");
    expect(k.status).toBe("fulfilled");
    expect(b.status).toBe("fulfilled");
    expect(vision.counters).toEqual({ picturesEncoded: 1, featuresRead: 1 });
  });

  it("finishes the run in hand when it is closed, and nothing after it", async () => {
    const encoder = new FakeEncoder(2);
    const { vision, see } = side(encoder);
    const waiting = [picture("a", 1), picture("b", 2), picture("c", 3)].map(see);
    const settled = Promise.allSettled(waiting);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await vision.dispose();
    expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(encoder.calls).toEqual([[1, 2]]);
  });
});
