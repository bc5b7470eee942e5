import type { AskSettings } from "../../job.ts";
import { BadRow, idOf, isObject, textOf, type JsonObject, type KnownOfRow, type Row } from "./row.ts";

const FORM =
  'a line is like {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": …}}';
const CONTENT =
  'a user\'s content is like [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "a.jpg"}}]';

/** What would change an answer and is not done here; what says nothing new (`n` of 1) may stand. */
const UNSUPPORTED: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  stop: (value) => Array.isArray(value) && value.length === 0,
  tools: (value) => Array.isArray(value) && value.length === 0,
  functions: (value) => Array.isArray(value) && value.length === 0,
  logprobs: (value) => value === false,
  logit_bias: (value) => isObject(value) && Object.keys(value).length === 0,
  presence_penalty: (value) => value === 0,
  frequency_penalty: (value) => value === 0,
};

/**
 * A request of an OpenAI batch: https://platform.openai.com/docs/guides/batch. One picture, in any of the user's messages;
 * earlier turns are its history, the last message is the question.
 */
export function openaiRow(object: JsonObject): Row {
  const id = idOf(object["custom_id"]);
  const body = object["body"];
  const bad = (message: string, hint = FORM, known: KnownOfRow = {}): BadRow =>
    new BadRow(message, hint, { id, ...known });
  if (id === undefined) throw bad("no `custom_id`");
  const method = object["method"];
  if (method !== undefined && method !== "POST") throw bad("`method` is not POST");
  const url = object["url"];
  if (url !== undefined && url !== "/v1/chat/completions") throw bad("`url` is not /v1/chat/completions");
  if (!isObject(body)) throw bad("`body` is no object");
  const said = conversation(body["messages"], bad);
  for (const [name, harmless] of Object.entries(UNSUPPORTED)) {
    const value = body[name];
    if (value === undefined || value === null || harmless(value)) continue;
    throw bad(`\`${name}\` is not supported`, "leave it away", said);
  }
  return {
    id,
    image: said.image,
    question: said.question,
    ask: { ...settings(body, bad, said), ...said.ask },
  };
}

type Complain = (message: string, hint?: string, known?: KnownOfRow) => BadRow;

interface Said {
  readonly image: string;
  readonly question: string;
  readonly ask: Partial<AskSettings>;
}

function conversation(messages: unknown, bad: Complain): Said {
  if (!Array.isArray(messages) || messages.length === 0) throw bad("`messages` is no list, or empty");
  const images: string[] = [];
  const history: { question: string; answer: string }[] = [];
  const before: string[] = [];
  let asked: string | undefined;
  for (const message of messages as unknown[]) {
    if (!isObject(message)) throw bad("a message is no object");
    const { role, content } = message;
    const text = textOfContent(content, role === "user" ? images : undefined, bad);
    if (role === "system" || role === "developer") {
      // the model knows no system prompt of others: what it is told stands before the first question
      before.push(text);
    } else if (role === "user") {
      if (asked !== undefined) throw bad("two messages of the user follow each other");
      asked = [...before.splice(0), text].join("\n");
    } else if (role === "assistant" && asked !== undefined) {
      history.push({ question: asked, answer: text });
      asked = undefined;
    } else {
      throw bad(`a message of ${JSON.stringify(role)} has no place here`);
    }
  }
  const [image, second] = images;
  if (image === undefined) throw bad("no message has a picture", CONTENT, { question: asked });
  if (second !== undefined)
    throw bad("there are several pictures; the model looks at one", CONTENT, { image });
  const question = textOf(asked);
  if (question === undefined) throw bad("the last message is no question of the user", CONTENT, { image });
  return { image, question, ask: history.length > 0 ? { history } : {} };
}

/** @param images takes the pictures' addresses; undefined where there may be none */
function textOfContent(content: unknown, images: string[] | undefined, bad: Complain): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw bad("a message has no `content`", CONTENT);
  const texts: string[] = [];
  for (const part of content as unknown[]) {
    if (!isObject(part)) throw bad("a part of a message is no object", CONTENT);
    if (part["type"] === "text" && typeof part["text"] === "string") {
      texts.push(part["text"]);
    } else if (part["type"] === "image_url" && images !== undefined) {
      const given = part["image_url"];
      const url = textOf(isObject(given) ? given["url"] : given);
      if (url === undefined) throw bad("an `image_url` has no `url`", CONTENT);
      images.push(url);
    } else {
      throw bad(`a part of type ${JSON.stringify(part["type"])} has no place here`, CONTENT);
    }
  }
  return texts.join("\n");
}

/** What a request's body sets, where it sets it. */
function settings(body: JsonObject, bad: Complain, said: Said): Partial<AskSettings> {
  const number = (name: string, least: number, most: number, whole = false): number | undefined => {
    const value = body[name] ?? undefined;
    if (value === undefined) return undefined;
    const fits = typeof value === "number" && value >= least && value <= most;
    if (fits && (!whole || Number.isInteger(value))) return value;
    throw bad(`\`${name}\` is no ${whole ? "whole " : ""}number from ${least} to ${most}`, FORM, said);
  };
  const maxTokens =
    number("max_completion_tokens", 1, 1_000_000, true) ?? number("max_tokens", 1, 1_000_000, true);
  const temperature = number("temperature", 0, 100);
  const topP = number("top_p", 0, 1);
  const seed = number("seed", 0, 0xffff_ffff, true);
  const format = body["response_format"] ?? undefined;
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    // nothing at all cannot be sampled from: OpenAI takes 0 for the likeliest token alone
    ...(topP !== undefined && (topP === 0 ? { temperature: 0 } : { topP })),
    ...(seed !== undefined && { seed }),
    ...(format !== undefined && formatOf(format, bad, said)),
  };
}

function formatOf(format: unknown, bad: Complain, said: Said): Partial<AskSettings> {
  if (isObject(format) && format["type"] === "text") return {};
  const described = isObject(format) && format["type"] === "json_schema" ? format["json_schema"] : undefined;
  if (isObject(described) && isObject(described["schema"])) {
    return { constraint: { kind: "schema", schema: described["schema"] } };
  }
  const hint = 'give {"type": "json_schema", "json_schema": {"name": "…", "schema": {…}}}';
  throw bad("`response_format` is not supported as it stands", hint, said);
}
