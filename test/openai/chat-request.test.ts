import { describe, expect, it } from "vitest";
import { readChatRequest } from "../../src/openai/chat-request.ts";

const IMAGE = { type: "image_url", image_url: { url: "data:,x", detail: "high" } };
const USER = { role: "user", content: [{ type: "text", text: "What?" }, IMAGE] };
const BODY = { messages: [USER] };

describe("the body of a chat completion", () => {
  it("names the field that its picture stands in", () => {
    const { image, imageField } = readChatRequest({ messages: [{ role: "system", content: "x" }, USER] });
    expect([image, imageField]).toEqual(["data:,x", "messages[1].content[1].image_url"]);
  });

  it("may say where to stop, and what to choose from", () => {
    expect(readChatRequest({ ...BODY, stop: "." }).settings).toEqual({ stop: ["."] });
    expect(readChatRequest({ ...BODY, stop: [".", "\n"] }).settings).toEqual({ stop: [".", "\n"] });
    expect(readChatRequest({ ...BODY, stop: [] }).settings).toEqual({});
    expect(readChatRequest({ ...BODY, choices: ["a", "b"] }).settings).toEqual({
      constraint: { kind: "choices", texts: ["a", "b"] },
    });
  });

  it.each([
    ["messages", { messages: undefined }],
    ["messages[0]", { messages: [1] }],
    ["messages[0].role", { messages: [{ role: "assistant", content: "x" }] }],
    ["messages[0].content", { messages: [{ role: "user", content: null }] }],
    ["messages[0].content[0]", { messages: [{ role: "user", content: [{ type: "input_audio" }] }] }],
    [
      "messages[0].content[1].image_url",
      { messages: [{ role: "user", content: [{ type: "text", text: "" }, { type: "image_url" }] }] },
    ],
    ["messages[0].content[2].image_url", { messages: [{ role: "user", content: [...USER.content, IMAGE] }] }],
    ["messages[1]", { messages: [USER, USER] }],
    ["max_tokens", { max_tokens: 0 }],
    ["max_completion_tokens", { max_completion_tokens: "9" }],
    ["temperature", { temperature: -0.1 }],
    ["top_p", { top_p: 1.1 }],
    ["seed", { seed: 2 ** 32 }],
    ["stop", { stop: 1 }],
    ["stop", { stop: ["a", ""] }],
    ["stop", { stop: ["a", "b", "c", "d", "e"] }],
    ["stop", { stop: "a", choices: ["a"] }],
    ["choices", { choices: [] }],
    ["choices", { choices: ["a", 1] }],
    ["choices", { choices: "a" }],
    ["choices", { choices: ["a"], response_format: { type: "json_schema", json_schema: { schema: {} } } }],
    ["response_format", { response_format: { type: "json_object" } }],
    ["response_format", { response_format: { type: "json_schema", json_schema: {} } }],
    ["n", { n: 2 }],
    ["tools", { tools: [{}] }],
    ["tool_choice", { tool_choice: "required" }],
    ["logit_bias", { logit_bias: { 5: 1 } }],
    ["presence_penalty", { presence_penalty: 0.1 }],
    ["stream", { stream: true }],
    ["anything", { anything: 0 }],
    ["__proto__", JSON.parse('{"__proto__": 1}') as object],
    ["constructor", { constructor: 1 }],
  ])("is refused by its field: %s of %j", (param, changes) => {
    const body = Object.fromEntries([...Object.entries(BODY), ...Object.entries(changes)]);
    expect(() => readChatRequest(body)).toThrow(expect.objectContaining({ param }));
  });

  it("takes what says nothing about the answer, and null for what is not given", () => {
    const harmless = {
      user: "x",
      metadata: {},
      store: true,
      service_tier: "auto",
      n: 1,
      tools: [],
      tool_choice: "auto",
    };
    const nothing = { best_of: null, stop: null, response_format: null, seed: null, logit_bias: {} };
    expect(readChatRequest({ ...BODY, ...harmless, ...nothing }).settings).toEqual({});
  });
});
