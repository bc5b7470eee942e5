import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { Aborts } from "../../src/engine/aborts.ts";

describe("aborts", () => {
  it("listens to a signal once, however many questions share it", () => {
    const { signal } = new AbortController();
    const aborts = new Aborts();
    const ends = Array.from({ length: 100 }, () => aborts.on(signal, () => {}));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    for (const end of ends.slice(1)) end();
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    ends[0]?.();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("tells everyone who still waits, once", () => {
    const controller = new AbortController();
    const aborts = new Aborts();
    const told: string[] = [];
    aborts.on(controller.signal, () => told.push("first"));
    const end = aborts.on(controller.signal, () => told.push("gone"));
    aborts.on(controller.signal, () => told.push("second"));
    end();
    controller.abort();
    end();
    expect(told).toEqual(["first", "second"]);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  it("tells at once who comes after the signal", () => {
    const aborts = new Aborts();
    let told = 0;
    aborts.on(AbortSignal.abort(), () => told++);
    expect(told).toBe(1);
  });

  it("goes on listening for those who come after others have left", () => {
    const controller = new AbortController();
    const aborts = new Aborts();
    aborts.on(controller.signal, () => {})();
    let told = 0;
    aborts.on(controller.signal, () => told++);
    controller.abort();
    expect(told).toBe(1);
  });
});
