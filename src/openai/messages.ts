import { isObject, textOf } from "../core/json.ts";
import type { Turn } from "../engine/api.ts";
import { BadRequest, type KnownOfChat } from "./bad-request.ts";

const CONTENT =
  'a user\'s content is like [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "a.jpg"}}]';

/** A conversation whose last message is the question. */
export interface Conversation {
  /** a file's name, an http(s) URL or a data URI, as it is written */
  readonly image: string;
  /** the field that it stands in, such as `messages[0].content[1].image_url` */
  readonly imageField: string;
  readonly question: string;
  /** earlier turns, the oldest first */
  readonly history: readonly Turn[];
}

/**
 * Reads `messages`: one picture, in any of the user's messages; earlier turns are its history, the last message is the question.
 * @throws BadRequest
 */
export function readMessages(messages: unknown): Conversation {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw wrong("`messages` is no list, or empty", "messages");
  }
  const images: FoundImage[] = [];
  const history: Turn[] = [];
  const before: string[] = [];
  let asked: string | undefined;
  for (const [index, message] of (messages as unknown[]).entries()) {
    const at = `messages[${index}]`;
    if (!isObject(message)) throw wrong("a message is no object", at);
    const { role, content } = message;
    const text = textOfContent(content, role === "user" ? images : undefined, `${at}.content`);
    if (role === "system" || role === "developer") {
      // the model knows no system prompt of others: what it is told stands before the first question
      before.push(text);
    } else if (role === "user") {
      if (asked !== undefined) throw wrong("two messages of the user follow each other", at);
      asked = [...before.splice(0), text].join("\n");
    } else if (role === "assistant" && asked !== undefined) {
      history.push({ question: asked, answer: text });
      asked = undefined;
    } else {
      throw wrong(`a message of ${JSON.stringify(role)} has no place here`, `${at}.role`);
    }
  }
  const [found, second] = images;
  if (found === undefined) throw wrong("no message has a picture", "messages", CONTENT, { question: asked });
  const { image } = found;
  if (second !== undefined) {
    throw wrong("there are several pictures; the model looks at one", second.imageField, CONTENT, { image });
  }
  const question = textOf(asked);
  if (question === undefined) {
    throw wrong("the last message is no question of the user", "messages", CONTENT, { image });
  }
  return { ...found, question, history };
}

type FoundImage = Pick<Conversation, "image" | "imageField">;

/** @param images takes the pictures' addresses; undefined where there may be none */
function textOfContent(content: unknown, images: FoundImage[] | undefined, at: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw wrong("a message has no `content`", at, CONTENT);
  const texts: string[] = [];
  for (const [index, part] of (content as unknown[]).entries()) {
    const here = `${at}[${index}]`;
    if (!isObject(part)) throw wrong("a part of a message is no object", here, CONTENT);
    if (part["type"] === "text" && typeof part["text"] === "string") {
      texts.push(part["text"]);
    } else if (part["type"] === "image_url" && images !== undefined) {
      const given = part["image_url"];
      const url = textOf(isObject(given) ? given["url"] : given);
      const imageField = `${here}.image_url`;
      if (url === undefined) throw wrong("an `image_url` has no `url`", imageField, CONTENT);
      images.push({ image: url, imageField });
    } else {
      throw wrong(`a part of type ${JSON.stringify(part["type"])} has no place here`, here, CONTENT);
    }
  }
  return texts.join("\n");
}

function wrong(message: string, param: string, hint?: string, known?: KnownOfChat): BadRequest {
  return new BadRequest(message, { param, hint, known });
}
