import { describe, expect, it } from "vitest";
import { readDelivery } from "../../src/openai/delivery.ts";

describe("how an answer is to be sent", () => {
  it("is whole, without more, where nothing is said or null", () => {
    const plain = { stream: false, includeUsage: false, logprobs: undefined };
    expect(readDelivery({})).toEqual(plain);
    expect(readDelivery({ stream: null, stream_options: null, logprobs: null, top_logprobs: null })).toEqual(
      plain,
    );
    expect(readDelivery({ stream: false, logprobs: false })).toEqual(plain);
  });

  it("is a stream, with the usage at its end, with log-probabilities", () => {
    expect(readDelivery({ stream: true, stream_options: { include_usage: true } })).toMatchObject({
      stream: true,
      includeUsage: true,
    });
    expect(readDelivery({ logprobs: true }).logprobs).toBe(0);
    expect(readDelivery({ logprobs: true, top_logprobs: 20 }).logprobs).toBe(20);
  });

  it.each([
    ["stream", { stream: 1 }],
    ["stream_options", { stream_options: { include_usage: true } }],
    ["stream_options", { stream: true, stream_options: [] }],
    ["stream_options.x", { stream: true, stream_options: { x: 1 } }],
    ["stream_options.include_usage", { stream: true, stream_options: { include_usage: "yes" } }],
    ["logprobs", { logprobs: 2 }],
    ["top_logprobs", { top_logprobs: 2 }],
    ["top_logprobs", { logprobs: true, top_logprobs: 21 }],
    ["top_logprobs", { logprobs: true, top_logprobs: 1.5 }],
    ["top_logprobs", { logprobs: true, top_logprobs: "2" }],
  ])("cannot be: %s of %j", (param, body) => {
    expect(() => readDelivery(body)).toThrow(expect.objectContaining({ param }));
  });
});
