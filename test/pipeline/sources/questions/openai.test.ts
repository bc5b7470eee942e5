import { describe, expect, it } from "vitest";
import { openaiRow } from "../../../../src/pipeline/sources/questions/openai.ts";

const IMAGE = { type: "image_url", image_url: { url: "a.png" } };
const USER = { role: "user", content: [{ type: "text", text: "What?" }, IMAGE] };

function request(body: object, changes: object = {}): Record<string, unknown> {
  return { custom_id: "r1", method: "POST", url: "/v1/chat/completions", body, ...changes };
}

describe("a request of an OpenAI batch", () => {
  it("has a picture, a question, and what is set for it", () => {
    const body = { model: "x", messages: [USER], max_tokens: 9, temperature: 0.5, top_p: 0.9, seed: 3 };
    expect(openaiRow(request(body))).toEqual({
      id: "r1",
      image: "a.png",
      question: "What?",
      ask: { maxTokens: 9, temperature: 0.5, topP: 0.9, seed: 3 },
    });
    const newer = {
      messages: [USER],
      max_tokens: 9,
      max_completion_tokens: 5,
      n: 1,
      stop: null,
      stream: false,
    };
    expect(openaiRow(request(newer)).ask).toEqual({ maxTokens: 5 });
  });

  it("has earlier turns, and what the system says before the first question", () => {
    const messages = [
      { role: "system", content: "Be short." },
      USER,
      { role: "assistant", content: "A circle." },
      { role: "user", content: "Its color?" },
    ];
    expect(openaiRow(request({ messages }))).toEqual({
      id: "r1",
      image: "a.png",
      question: "Its color?",
      ask: { history: [{ question: "Be short.\nWhat?", answer: "A circle." }] },
    });
  });

  it("may want JSON by a schema", () => {
    const schema = { type: "object", properties: {} };
    const response_format = { type: "json_schema", json_schema: { name: "x", schema } };
    expect(openaiRow(request({ messages: [USER], response_format })).ask).toEqual({
      constraint: { kind: "schema", schema },
    });
    expect(openaiRow(request({ messages: [USER], response_format: { type: "text" } })).ask).toEqual({});
  });

  const text = { type: "text", text: "What?" };
  it.each([
    ["`custom_id`", request({ messages: [USER] }, { custom_id: undefined })],
    ["`method`", request({ messages: [USER] }, { method: "GET" })],
    ["`url`", request({ messages: [USER] }, { url: "/v1/embeddings" })],
    ["`body`", request({}, { body: 1 })],
    ["`messages`", request({ messages: [] })],
    ["no picture|has a picture", request({ messages: [{ role: "user", content: "What?" }] })],
    ["several pictures", request({ messages: [{ role: "user", content: [IMAGE, IMAGE, text] }] })],
    ["is no question", request({ messages: [{ role: "user", content: [IMAGE] }] })],
    ["is no question", request({ messages: [USER, { role: "assistant", content: "A" }] })],
    ["follow each other", request({ messages: [USER, USER] })],
    ['"tool"', request({ messages: [USER, { role: "tool", content: "A" }] })],
    ['"input_audio"', request({ messages: [{ role: "user", content: [{ type: "input_audio" }] }] })],
    ["`url`", request({ messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] })],
    ["`n` is not supported", request({ messages: [USER], n: 2 })],
    ["`stop`", request({ messages: [USER], stop: ["a", "b", "c", "d", "e"] })],
    ["`logprobs` is not supported", request({ messages: [USER], logprobs: true })],
    ["`best_of` is not supported", request({ messages: [USER], best_of: 2 })],
    ["`temperature`", request({ messages: [USER], temperature: "hot" })],
    ["`max_tokens`", request({ messages: [USER], max_tokens: 1.5 })],
    ["`response_format`", request({ messages: [USER], response_format: { type: "json_object" } })],
  ])("is refused by what is wrong with it: %s", (message, row) => {
    expect(() => openaiRow(row)).toThrow(new RegExp(message));
  });

  it("keeps what is known of one that is refused", () => {
    try {
      openaiRow(request({ messages: [USER], n: 2 }));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ known: { id: "r1", image: "a.png", question: "What?" } });
    }
  });
});
