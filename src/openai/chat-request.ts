import type { JsonObject } from "../core/json.ts";
import { refuseUnknown } from "./fields.ts";
import { readMessages, type Conversation } from "./messages.ts";
import { readSettings, type ChatSettings } from "./settings.ts";

/** What the body of a request to `/v1/chat/completions` asks for. */
export interface ChatRequest extends Conversation {
  readonly settings: ChatSettings;
}

export interface ReadChatOptions {
  /** Fields of the body that the caller reads by itself. @default none */
  readonly also?: ReadonlySet<string> | undefined;
}

/**
 * Reads the body of a request: https://platform.openai.com/docs/api-reference/chat/create.
 * @throws BadRequest
 */
export function readChatRequest(body: JsonObject, { also }: ReadChatOptions = {}): ChatRequest {
  const conversation = readMessages(body["messages"]);
  const { image, question } = conversation;
  const known = { image, question };
  refuseUnknown(body, { also, known });
  return { ...conversation, settings: readSettings(body, known) };
}
