import type { JsonObject } from "../core/json.ts";
import { readMessages, type Conversation } from "./messages.ts";
import { readSettings, refuseUnsupported, type ChatSettings } from "./settings.ts";

/** What the body of a request to `/v1/chat/completions` asks for. */
export interface ChatRequest extends Conversation {
  readonly settings: ChatSettings;
}

/**
 * Reads the body of a request: https://platform.openai.com/docs/api-reference/chat/create.
 * @throws BadRequest
 */
export function readChatRequest(body: JsonObject): ChatRequest {
  const conversation = readMessages(body["messages"]);
  const { image, question } = conversation;
  const known = { image, question };
  refuseUnsupported(body, known);
  return { ...conversation, settings: readSettings(body, known) };
}
