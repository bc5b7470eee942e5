import { describe, expect, it } from "vitest";
import { Place, QUESTION, RED_CIRCLE } from "../cli/binary.ts";
import { random } from "../random.ts";
import { asked, dataUri, MODEL, serverFor } from "./served.ts";

/** How many bodies are sent: more of them with `FLASHSLOTH_FUZZ=5000`. */
const ROUNDS = Number(process.env["FLASHSLOTH_FUZZ"] ?? 600);
const AT_ONCE = 16;

const VALID = {
  model: MODEL,
  messages: [
    { role: "system", content: "Be short." },
    asked(dataUri(RED_CIRCLE), QUESTION),
    { role: "assistant", content: "Red." },
    { role: "user", content: [{ type: "text", text: "Sure?" }] },
  ],
  max_tokens: 8,
  max_completion_tokens: 8,
  temperature: 0.5,
  top_p: 0.9,
  seed: 3,
  stop: ["x", "y"],
  stream: false,
  logprobs: true,
  top_logprobs: 2,
  explain: "sap",
  n: 1,
  user: "me",
  metadata: { a: "b" },
};

const CONSTRAINED = {
  ...VALID,
  max_tokens: 60,
  max_completion_tokens: null,
  stop: null,
  response_format: {
    type: "json_schema",
    json_schema: {
      name: "x",
      strict: true,
      schema: {
        type: "object",
        properties: { color: { enum: ["red", "blue"] }, n: { type: "integer", minimum: 0, maximum: 9 } },
        required: ["color", "n"],
        additionalProperties: false,
      },
    },
  },
};

const STRANGE: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  "",
  " ",
  "text",
  "\u0000",
  "\ud800",
  "__proto__",
  "data:image/png;base64,AAAA",
  "data:,",
  "file:///etc/passwd",
  "http://127.0.0.1/",
  "x".repeat(10_000),
  [],
  [[]],
  {},
  { type: "text" },
  { role: "user", content: "?" },
  { $ref: "#" },
  { anyOf: [{ $ref: "#" }] },
];

const NAMES = [
  "constructor",
  "toString",
  "__proto__",
  "hasOwnProperty",
  "length",
  "",
  "type",
  "content",
  "x",
];

type Next = () => number;

function pick<T>(next: Next, list: readonly T[]): T {
  const value = list[Math.floor(next() * list.length)];
  if (value === undefined && list.length === 0) throw new RangeError("nothing to pick from");
  return value as T;
}

/** A copy in which something, somewhere, is another value, is gone, is there twice, or has another name. */
function mutated(value: unknown, next: Next): unknown {
  const inside = Array.isArray(value)
    ? value.length > 0
    : typeof value === "object" && value !== null && Object.keys(value).length > 0;
  if (!inside || next() < 0.15) return pick(next, STRANGE);
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    const at = Math.floor(next() * list.length);
    const kind = next();
    if (kind < 0.1) list.splice(at, 1);
    else if (kind < 0.2) list.push(list[at]);
    else if (kind < 0.25) list.push(pick(next, STRANGE));
    else list[at] = mutated(list[at], next);
    return list;
  }
  const entries = Object.entries(value as object);
  const at = Math.floor(next() * entries.length);
  const [name = "", old] = entries[at] ?? [];
  const kind = next();
  if (kind < 0.1) entries.splice(at, 1);
  else if (kind < 0.2) entries[at] = [pick(next, NAMES), old];
  else if (kind < 0.3) entries.push([pick(next, NAMES), pick(next, STRANGE)]);
  else entries[at] = [name, mutated(old, next)];
  return Object.fromEntries(entries);
}

/** The text with some of its characters changed, gone or repeated. */
function scrambled(text: string, next: Next): string {
  const at = Math.floor(next() * text.length);
  const length = Math.floor(next() * 20);
  const kind = next();
  if (kind < 0.3) return text.slice(0, at);
  if (kind < 0.6) return text.slice(0, at) + text.slice(at + length);
  if (kind < 0.8) return text.slice(0, at) + text.slice(at, at + length).repeat(3) + text.slice(at);
  return (
    text.slice(0, at) + pick(next, ["{", "}", "[", "]", '"', "\\", ",", "\u0007", "9"]) + text.slice(at + 1)
  );
}

describe("whatever comes as a request's body", () => {
  const server = serverFor(new Place());

  it("is answered, or refused in the form of an error", async () => {
    const next = random(20_261);
    const counts = new Map<number, number>();
    const bodies = Array.from({ length: ROUNDS }, () => {
      let value: unknown = next() < 0.5 ? VALID : CONSTRAINED;
      for (let changes = next() < 0.7 ? 1 : 2; changes > 0; changes--) value = mutated(value, next);
      const text = JSON.stringify(value);
      return next() < 0.1 ? scrambled(text, next) : text;
    });
    const left = bodies.values();
    const send = async (): Promise<void> => {
      for (const body of left) {
        const response = await fetch(`${server.current.url}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
        });
        const text = await response.text();
        const { status } = response;
        counts.set(status, (counts.get(status) ?? 0) + 1);
        const shown = body.replaceAll(/base64,[\w+/=]{50,}/g, "base64,…");
        expect([200, 400, 404, 422], `${shown}\n${text}`).toContain(status);
        if (status === 200) {
          if (!text.startsWith("data: "))
            expect(JSON.parse(text)).toMatchObject({ object: "chat.completion" });
        } else {
          const { error } = JSON.parse(text) as { error: Record<string, unknown> };
          expect(Object.keys(error).toSorted()).toEqual(["code", "message", "param", "type"]);
          expect(typeof error["message"] === "string" && typeof error["code"] === "string").toBe(true);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    expect(counts.get(200) ?? 0).toBeGreaterThan(ROUNDS / 20);
    expect(counts.get(400) ?? 0).toBeGreaterThan(ROUNDS / 4);
    const { choices } = await server.current.client().chat.completions.create({
      model: MODEL,
      messages: [asked(dataUri(RED_CIRCLE), QUESTION)],
    });
    expect(choices[0]?.message.content).toBe("Red.");
  });
});
