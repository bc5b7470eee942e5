import { isObject, type JsonObject } from "../../../core/json.ts";
import { BadRequest } from "../../../openai/bad-request.ts";
import { readChatRequest } from "../../../openai/chat-request.ts";
import { BadRow, idOf, type Row } from "./row.ts";

const FORM =
  'a line is like {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": …}}';

/** A request of an OpenAI batch: https://platform.openai.com/docs/guides/batch. */
export function openaiRow(object: JsonObject): Row {
  const id = idOf(object["custom_id"]);
  const body = object["body"];
  const bad = (message: string): BadRow => new BadRow(message, FORM, { id });
  if (id === undefined) throw bad("no `custom_id`");
  const method = object["method"];
  if (method !== undefined && method !== "POST") throw bad("`method` is not POST");
  const url = object["url"];
  if (url !== undefined && url !== "/v1/chat/completions") throw bad("`url` is not /v1/chat/completions");
  if (!isObject(body)) throw bad("`body` is no object");
  try {
    const { image, question, history, settings } = readChatRequest(body);
    return { id, image, question, ask: { ...settings, ...(history.length > 0 && { history }) } };
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error;
    throw new BadRow(error.message, error.hint ?? FORM, { id, ...error.known });
  }
}
