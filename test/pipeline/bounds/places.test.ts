import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { PIECES_ALONE, Places } from "../../../src/pipeline/bounds/places.ts";

/** Whether a picture was let in by now. */
async function enters(places: Places): Promise<() => boolean> {
  let entered = false;
  void places.forPicture().then((admitted) => (entered = admitted));
  await setImmediate();
  return () => entered;
}

/** Places behind the first question of a run. */
async function opened(size: number): Promise<Places> {
  const places = new Places(size);
  await places.forPicture();
  void places.encoded(1000);
  places.leave();
  return places;
}

describe("the places in the engine", () => {
  it("let slow pictures in one at a time", async () => {
    const places = await opened(9);
    const [first, second] = [await enters(places), await enters(places)];
    expect([first(), second()]).toEqual([true, false]);
    void places.encoded(1000);
    await setImmediate();
    expect(second()).toBe(true);
  });

  it("let several pictures in together that take next to no time", async () => {
    const places = await opened(9);
    await places.forPicture();
    void places.encoded(10);
    const pictures = [];
    for (let count = 0; count < 8; count++) pictures.push(await enters(places));
    expect(pictures.map((entered) => entered())).toEqual([...Array(5).fill(true), ...Array(3).fill(false)]);
  });

  it("let those ask together that went in together, and others in after that", async () => {
    const places = await opened(9);
    await places.forPicture();
    await places.encoded(10);
    await places.forPicture();
    await places.forPicture();
    let asks = 0;
    void places.encoded(10).then(() => asks++);
    const next = await enters(places);
    await setImmediate();
    expect([asks, next()]).toEqual([0, false]);
    void places.encoded(10).then(() => asks++);
    await setImmediate();
    expect([asks, next()]).toEqual([2, true]);
  });

  it("belong to the first question until it has said a few words", async () => {
    const places = new Places(3);
    await places.forPicture();
    void places.encoded(1000);
    const second = await enters(places);
    const { said } = places;
    for (let piece = 1; piece < PIECES_ALONE; piece++) said?.();
    await setImmediate();
    expect(second()).toBe(false);
    said?.();
    await setImmediate();
    expect(second()).toBe(true);
    expect(places.said).toBeUndefined();
  });

  it("belong to everyone when the first question was answered", async () => {
    const places = new Places(3);
    await places.forPicture();
    void places.encoded(1000);
    const second = await enters(places);
    expect(second()).toBe(false);
    places.leave();
    await setImmediate();
    expect(second()).toBe(true);
  });
});
