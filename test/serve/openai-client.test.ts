import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import OpenAI, { APIError } from "openai";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { drawing, Place, QUESTION, RED_CIRCLE } from "../cli/binary.ts";
import { asked, dataUri, MODEL, Server, serverFor } from "./served.ts";

const place = new Place();
const server = serverFor(place);
const PICTURE = dataUri(RED_CIRCLE);

async function reasonOf(work: Promise<unknown>): Promise<APIError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(APIError);
  return error as APIError;
}

describe("OpenAI's own client", () => {
  let client: OpenAI;
  beforeAll(() => (client = server.current.client()));

  it("lists the model", async () => {
    const models: OpenAI.Model[] = [];
    for await (const model of client.models.list()) models.push(model);
    expect(models).toMatchObject([{ id: MODEL, object: "model", owned_by: "flashsloth" }]);
    expect(await client.models.retrieve(MODEL)).toEqual(models[0]);
    expect(await reasonOf(client.models.retrieve("gpt-4o"))).toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });

  it("asks about a PNG, and is told the usage and the request's id", async () => {
    const completion = await client.chat.completions.create({
      model: MODEL,
      messages: [asked(PICTURE, QUESTION)],
    });
    expect(completion.choices).toMatchObject([
      { index: 0, message: { role: "assistant", content: "Red." }, finish_reason: "stop", logprobs: null },
    ]);
    expect(completion).toMatchObject({ object: "chat.completion", model: MODEL });
    expect(completion.id).toMatch(/^chatcmpl-/);
    const { prompt_tokens: prompt = 0, completion_tokens: answer = 0 } = completion.usage ?? {};
    expect(prompt).toBeGreaterThan(30);
    expect(answer).toBe(2);
    expect(completion.usage?.total_tokens).toBe(prompt + answer);
    expect(completion._request_id).toMatch(/^req_[0-9a-f]{24}$/);
  });

  it.each([
    ["JPEG", async () => sharp(RED_CIRCLE).jpeg({ quality: 95 }).toBuffer(), "image/jpeg"],
    ["WebP", async () => sharp(RED_CIRCLE).webp({ lossless: true }).toBuffer(), "image/webp"],
    ["a type that is none", async () => sharp(RED_CIRCLE).png().toBuffer(), "text/plain"],
  ])("asks about %s", async (_name, picture, type) => {
    const url = `data:${type};base64,${(await picture()).toString("base64")}`;
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      messages: [asked(url, QUESTION)],
    });
    expect(choices[0]?.message.content).toBe("Red.");
  });

  it("asks about HEIC", async () => {
    const quarters = resolve(import.meta.dirname, "../image/heic/quarters.heic");
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      messages: [asked(dataUri(quarters), "How many shapes are there?")],
    });
    const { stdout } = await place.run([
      "ask",
      "-m",
      MODEL,
      "--no-cache",
      quarters,
      "How many shapes are there?",
    ]);
    expect(`${choices[0]?.message.content}\n`).toBe(stdout);
  });

  it("hears an answer as it comes, with the usage at its end", async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: [asked(PICTURE, "Describe the image.")],
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const pieces = chunks
      .map(({ choices }) => choices[0]?.delta.content ?? "")
      .filter((piece) => piece !== "");
    const { stdout } = await place.run(["ask", "-m", MODEL, "--no-cache", RED_CIRCLE, "Describe the image."]);
    expect(`${pieces.join("")}\n`).toBe(stdout);
    expect(pieces.length).toBeGreaterThan(3);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason ?? null).filter((reason) => reason)).toEqual(
      ["stop"],
    );
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: pieces.length } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it("ends a stream with [DONE], and says no usage that nobody asked for", async () => {
    const response = await client.chat.completions
      .create({ model: MODEL, messages: [asked(PICTURE, QUESTION)], stream: true })
      .asResponse();
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    const text = await response.text();
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(text).not.toContain("usage");
  });

  it("gets JSON by a schema", async () => {
    const schema = {
      type: "object",
      properties: { color: { enum: ["red", "green", "blue"] } },
      required: ["color"],
      additionalProperties: false,
    };
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      messages: [asked(PICTURE, QUESTION)],
      response_format: { type: "json_schema", json_schema: { name: "shape", schema, strict: true } },
    });
    expect(Object.keys(JSON.parse(choices[0]?.message.content ?? "") as object)).toEqual(["color"]);
    const format = { type: "json_schema", json_schema: { name: "x", schema: { type: "potato" } } } as const;
    const refused = client.chat.completions.create({
      model: MODEL,
      messages: [asked(PICTURE, QUESTION)],
      response_format: format,
    });
    expect(await reasonOf(refused)).toMatchObject({ status: 400, param: "response_format" });
    const cut = client.chat.completions.create({
      model: MODEL,
      messages: [asked(PICTURE, QUESTION)],
      response_format: { type: "json_schema", json_schema: { name: "shape", schema } },
      max_tokens: 1,
    });
    expect(await reasonOf(cut)).toMatchObject({ status: 422, code: "constraint" });
  });

  it("gets one of given choices, with the probability of each", async () => {
    const body = { model: MODEL, messages: [asked(PICTURE, QUESTION)], choices: ["blue", "red"] };
    const completion = await client.chat.completions.create(body);
    expect(completion.choices[0]?.message.content).toBe("red");
    const { flashsloth } = completion as unknown as {
      flashsloth: { choices: { text: string; probability: number }[]; mass: number };
    };
    expect(flashsloth.choices.map(({ text }) => text)).toEqual(["blue", "red"]);
    expect(flashsloth.choices[1]?.probability).toBeGreaterThan(0.99);
    expect(flashsloth.mass).toBeGreaterThan(0.5);
  });

  it("gets the log-probabilities of tokens, streamed or not", async () => {
    const body = {
      model: MODEL,
      messages: [asked(PICTURE, QUESTION)],
      logprobs: true,
      top_logprobs: 3,
    };
    const { choices } = await client.chat.completions.create(body);
    const content = choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ token }) => token)).toEqual([" Red", "."]);
    for (const { token, logprob, bytes, top_logprobs: top } of content) {
      expect(Buffer.from(bytes ?? []).toString()).toBe(token);
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top).toHaveLength(3);
      expect(top[0]).toEqual({ token, logprob, bytes });
      expect(top.map((other) => other.logprob)).toEqual(
        top.map((other) => other.logprob).toSorted((a, b) => b - a),
      );
    }
    const stream = await client.chat.completions.create({ ...body, stream: true });
    const streamed: string[] = [];
    for await (const {
      choices: [choice],
    } of stream) {
      streamed.push(...(choice?.logprobs?.content ?? []).map(({ token }) => token));
    }
    expect(streamed).toEqual([" Red", "."]);
  });

  it("stops at a string, and hears nothing of it", async () => {
    const { stdout } = await place.run(["ask", "-m", MODEL, "--no-cache", RED_CIRCLE, "Describe the image."]);
    const whole = stdout.trimEnd();
    const stop = whole.slice(8, 11);
    const body = { model: MODEL, messages: [asked(PICTURE, "Describe the image.")], stop };
    const { choices } = await client.chat.completions.create(body);
    const expected = whole.slice(0, whole.indexOf(stop)).trimEnd();
    expect(choices[0]).toMatchObject({ finish_reason: "stop", message: { content: expected } });
    const stream = await client.chat.completions.create({
      ...body,
      stop: ["no such text", stop],
      stream: true,
    });
    let streamed = "";
    for await (const {
      choices: [choice],
    } of stream)
      streamed += choice?.delta.content ?? "";
    expect(streamed).toBe(expected);
  });

  it("samples by a seed, and ends at a length", async () => {
    const body = {
      model: MODEL,
      messages: [asked(PICTURE, "Describe the image.")],
      temperature: 1.5,
      seed: 7,
    };
    const sampled = async (changes: object): Promise<string | null | undefined> =>
      (await client.chat.completions.create({ ...body, ...changes })).choices[0]?.message.content;
    expect(await sampled({})).toBe(await sampled({ top_p: 1 }));
    const others = await Promise.all([1, 2, 3, 4, 5].map(async (seed) => sampled({ seed })));
    expect(new Set(others).size).toBeGreaterThan(1);
    const { choices, usage } = await client.chat.completions.create({ ...body, max_completion_tokens: 3 });
    expect(choices[0]?.finish_reason).toBe("length");
    expect(usage?.completion_tokens).toBe(3);
  });

  it("goes on with a conversation, of which only what is new is computed", async () => {
    const first = asked(dataUri(drawing("003.png")), "How many shapes are there?");
    const { choices } = await client.chat.completions.create({ model: MODEL, messages: [first] });
    const answer = choices[0]?.message;
    if (answer === undefined) throw new Error("no answer");
    const before = await server.current.metrics();
    const { choices: then, usage } = await client.chat.completions.create({
      model: MODEL,
      messages: [first, answer, { role: "user", content: "What color is the square?" }],
    });
    const after = await server.current.metrics();
    expect(then[0]?.message.content).toBe("Purple.");
    const grown = (kind: string): number => {
      const name = `flashsloth_engine_total{kind="${kind}"}`;
      return (after.get(name) ?? 0) - (before.get(name) ?? 0);
    };
    expect(grown("picturesEncoded")).toBe(0);
    expect(grown("rows")).toBeLessThan((usage?.prompt_tokens ?? 0) / 2);
  });

  it("is told what is wrong, and where", async () => {
    const create = async (changes: object): Promise<unknown> =>
      reasonOf(
        client.chat.completions.create({ model: MODEL, messages: [asked(PICTURE, QUESTION)], ...changes }),
      );
    const image = "messages[0].content[1].image_url";
    expect(await create({ model: "gpt-4o" })).toMatchObject({
      status: 404,
      code: "model_not_found",
      param: "model",
    });
    const noise = `data:image/png;base64,${randomBytes(300).toString("base64")}`;
    expect(await create({ messages: [asked(noise, QUESTION)] })).toMatchObject({
      status: 400,
      code: "image-invalid",
      param: image,
      type: "invalid_request_error",
    });
    const half = Buffer.from(PICTURE.split(",")[1] ?? "", "base64")
      .subarray(0, 500)
      .toString("base64");
    expect(await create({ messages: [asked(`data:image/png;base64,${half}`, QUESTION)] })).toMatchObject({
      status: 400,
      code: "image-invalid",
      message: expect.stringContaining("truncated or damaged") as string,
    });
    expect(await create({ messages: [asked("data:image/png;base64,***", QUESTION)] })).toMatchObject({
      status: 400,
      param: image,
    });
    expect(await create({ messages: [asked("file:///etc/passwd", QUESTION)] })).toMatchObject({
      status: 400,
      param: image,
    });
    expect(await create({ messages: [asked(RED_CIRCLE, QUESTION)] })).toMatchObject({
      status: 400,
      param: image,
    });
    expect(await create({ best_of: 3 })).toMatchObject({ status: 400, param: "best_of" });
    expect(await create({ n: 2 })).toMatchObject({ status: 400, param: "n" });
    expect(await create({ temperature: -1 })).toMatchObject({ status: 400, param: "temperature" });
    expect(await create({ messages: [{ role: "user", content: QUESTION }] })).toMatchObject({
      status: 400,
      param: "messages",
    });
    expect(await create({ messages: [asked(PICTURE, "why ".repeat(3000))] })).toMatchObject({
      status: 400,
      code: "context_length_exceeded",
      param: "messages",
    });
    // the same where a stream was wanted: nothing has begun
    expect(await create({ stream: true, messages: [asked(noise, QUESTION)] })).toMatchObject({ status: 400 });
    expect(await create({ stream: true, messages: [asked(PICTURE, "why ".repeat(3000))] })).toMatchObject({
      status: 400,
    });
  });

  it("may send what says nothing about the answer", async () => {
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: "system", content: "Be short." }, asked(PICTURE, QUESTION)],
      user: "me",
      metadata: { a: "b" },
      store: false,
      n: 1,
      presence_penalty: 0,
      response_format: { type: "text" },
      tools: [],
    });
    expect(choices[0]?.message.content).toBe("Red.");
  });
});

describe("a server with a key", () => {
  const KEY = "correct-horse-battery-staple";
  const keyed = new Place();
  let guarded: Server;
  beforeAll(async () => {
    guarded = await Server.start(keyed, [], { FLASHSLOTH_API_KEY: KEY });
    return async () => void (await guarded.stop());
  });

  it("answers who has it, and nobody else", async () => {
    expect((await guarded.client(KEY).models.list()).data).toHaveLength(1);
    for (const wrong of ["x", `${KEY}x`, KEY.slice(1), KEY.toUpperCase()]) {
      expect(await reasonOf(guarded.client(wrong).models.list())).toMatchObject({
        status: 401,
        code: "invalid_api_key",
      });
    }
    for (const path of ["/v1/models", "/v1/chat/completions", "/v1/else", "/metrics"]) {
      expect((await fetch(`${guarded.url}${path}`)).status, path).toBe(401);
    }
    expect((await fetch(`${guarded.url}/health`)).status).toBe(200);
  });

  it("says so in the command that it tells to try", () => {
    expect(guarded.log).toContain("Authorization: Bearer $FLASHSLOTH_API_KEY");
    expect(guarded.log).not.toContain(KEY);
  });
});
