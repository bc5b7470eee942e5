import type { Answer } from "../engine/api.ts";

/** What of an answer a chat completion says. */
export interface CompletedChat {
  /** without `chatcmpl-` */
  readonly id: string;
  readonly model: string;
  readonly text: string;
  readonly finish: Answer["finish"];
  readonly tokens: Pick<Answer["tokens"], "prompt" | "answer">;
}

/** The body of a chat completion: https://platform.openai.com/docs/api-reference/chat/object. */
export function completionBody({ id, model, text, finish, tokens }: CompletedChat): object {
  return {
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text },
        logprobs: null,
        finish_reason: finishReason(finish),
      },
    ],
    usage: {
      prompt_tokens: tokens.prompt,
      completion_tokens: tokens.answer,
      total_tokens: tokens.prompt + tokens.answer,
    },
  };
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
  /** the field that is wrong @default none in particular */
  readonly param?: string | undefined;
}

/** The body that says why there is no answer. */
export function errorBody(options: ErrorBodyOptions): object {
  const { message, type = "invalid_request_error", param = null, code } = options;
  return { error: { message, type, param, code } };
}
