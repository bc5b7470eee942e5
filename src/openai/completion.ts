import type { Answer, ScoredChoice, TokenLogprob } from "../engine/api.ts";
import { logprobsBody } from "./logprobs.ts";

/** What an answer and the pieces of one have in common. */
export interface CompletionHead {
  /** without `chatcmpl-` */
  readonly id: string;
  readonly model: string;
}

/** What of an answer a chat completion says. */
export interface CompletedChat extends CompletionHead {
  readonly text: string;
  readonly finish: Answer["finish"];
  readonly tokens: Pick<Answer["tokens"], "prompt" | "answer">;
  /** @default they are not told */
  readonly logprobs?: readonly TokenLogprob[] | undefined;
  /** @default the answer was not one of choices */
  readonly choices?: readonly ScoredChoice[] | undefined;
  readonly mass?: number | undefined;
  /** Where the model looked, as it is to be told. @default it is not */
  readonly explain?: object | undefined;
}

/** Where a body says what OpenAI's has no field for. */
export const OWN_FIELD = "flashsloth" as const;

/** The body of a chat completion: https://platform.openai.com/docs/api-reference/chat/object. */
export function completionBody(chat: CompletedChat): object {
  const { text, finish, tokens, logprobs } = chat;
  return {
    ...headOf(chat, "chat.completion"),
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text },
        logprobs: logprobs === undefined ? null : logprobsBody(logprobs),
        finish_reason: finishReason(finish),
      },
    ],
    usage: usageOf(tokens),
    ...ownOf(chat),
  };
}

/** What one event of a stream says. */
export interface ChunkOptions {
  readonly delta: { readonly role?: "assistant"; readonly content?: string };
  /** @default it goes on */
  readonly finish?: Answer["finish"] | undefined;
  /** @default they are not told */
  readonly logprobs?: readonly TokenLogprob[] | undefined;
  /** whether some event will tell the usage: the others then say that they do not. @default false */
  readonly usageFollows?: boolean | undefined;
  readonly choices?: readonly ScoredChoice[] | undefined;
  readonly mass?: number | undefined;
  readonly explain?: object | undefined;
}

/** An event of a stream: https://platform.openai.com/docs/api-reference/chat/streaming. */
export function chunkBody(head: CompletionHead, options: ChunkOptions): object {
  const { delta, finish, logprobs, usageFollows = false } = options;
  return {
    ...headOf(head, "chat.completion.chunk"),
    choices: [
      {
        index: 0,
        delta,
        logprobs: logprobs === undefined ? null : logprobsBody(logprobs),
        finish_reason: finish === undefined ? null : finishReason(finish),
      },
    ],
    ...(usageFollows && { usage: null }),
    ...ownOf(options),
  };
}

/** The event that tells the usage, and nothing else. */
export function usageChunk(head: CompletionHead, tokens: CompletedChat["tokens"]): object {
  return { ...headOf(head, "chat.completion.chunk"), choices: [], usage: usageOf(tokens) };
}

function headOf({ id, model }: CompletionHead, object: string): object {
  return { id: `chatcmpl-${id}`, object, created: Math.floor(Date.now() / 1000), model };
}

function usageOf({ prompt, answer }: CompletedChat["tokens"]): object {
  return { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer };
}

function ownOf({ choices, mass, explain }: Pick<CompletedChat, "choices" | "mass" | "explain">): object {
  if (choices === undefined && explain === undefined) return {};
  return { [OWN_FIELD]: { choices, mass, explain } };
}

/** OpenAI knows two ways in which a text ends. */
function finishReason(finish: Answer["finish"]): "stop" | "length" {
  return finish === "stop" ? "stop" : "length";
}

export interface ErrorBodyOptions {
  readonly message: string;
  readonly code: string | null;
  /** @default "invalid_request_error" */
  readonly type?: string | undefined;
  /** the field that is wrong. @default none in particular */
  readonly param?: string | undefined;
}

/** The body that says why there is no answer. */
export function errorBody(options: ErrorBodyOptions): object {
  const { message, type = "invalid_request_error", param = null, code } = options;
  return { error: { message, type, param, code } };
}
