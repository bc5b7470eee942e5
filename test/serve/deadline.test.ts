import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { Deadline } from "../../src/serve/deadline.ts";

describe("Deadline", () => {
  it("ends with any of its signals, also one that is aborted already", () => {
    const [client, server] = [new AbortController(), new AbortController()];
    const signals = [client.signal, server.signal];
    const deadline = new Deadline({ limitMs: undefined, signals });
    expect(deadline.signal.aborted).toBe(false);
    server.abort();
    expect(deadline.signal.aborted).toBe(true);
    expect(new Deadline({ limitMs: undefined, signals }).signal.aborted).toBe(true);
  });

  it("leaves nothing in a signal that outlives it, and listens to it once however many requests there are", () => {
    const { signal } = new AbortController();
    const some = Array.from({ length: 20 }, () => new Deadline({ limitMs: undefined, signals: [signal] }));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    for (const deadline of some) deadline.clear();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});
