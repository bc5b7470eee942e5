import type { Answer, AskHooks } from "../engine/api.ts";
import { chunkBody, errorBody, usageChunk, type CompletionHead } from "../openai/completion.ts";
import type { Delivery } from "../openai/delivery.ts";
import { apiErrorOf } from "./api-error.ts";

export interface StreamOptions {
  readonly head: CompletionHead;
  readonly delivery: Pick<Delivery, "includeUsage" | "logprobs">;
  /** Where the model looked, as it is told. */
  readonly explained: (answer: Answer) => object | undefined;
  readonly ask: (onText: AskHooks["onText"]) => Promise<Answer>;
}

export const STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "x-accel-buffering": "no", // nginx would wait for more
};

/**
 * An answer as server-sent events, as it comes. What keeps it from beginning is still told by the response's status: nothing
 * is sent before the first text.
 * @throws what `ask` throws before the first text
 */
export async function streamAnswer({
  head,
  delivery,
  explained,
  ask,
}: StreamOptions): Promise<ReadableStream<Uint8Array>> {
  const events = new Events();
  const usageFollows = delivery.includeUsage;
  let told = 0;
  let begun = false;
  const begin = (): void => {
    if (begun) return;
    begun = true;
    events.send(chunkBody(head, { delta: { role: "assistant", content: "" }, usageFollows }));
  };
  const answered = ask((content, logprobs) => {
    begin();
    told += logprobs?.length ?? 0;
    events.send(chunkBody(head, { delta: { content }, logprobs, usageFollows }));
  });
  const complete = (answer: Answer): void => {
    const { finish, tokens, logprobs, choices, mass } = answer;
    const explain = explained(answer);
    begin();
    // white space at an answer's end is no part of it, and its tokens came with no text
    const rest = logprobs?.slice(told);
    const chunk = { delta: {}, finish, logprobs: rest, usageFollows, choices, mass, explain };
    events.send(chunkBody(head, chunk));
    if (usageFollows) events.send(usageChunk(head, tokens));
    events.end();
  };
  const fail = (error: unknown): void => {
    if (!begun) return; // it is thrown
    const { message, code, type, param } = apiErrorOf(error);
    events.send(errorBody({ message, code, type, param }));
    events.fail();
  };
  answered.then(complete, fail);
  await Promise.race([events.first, answered]);
  return events.stream;
}

/** Server-sent events of JSON. */
class Events {
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves when there is one. */
  readonly first: Promise<void>;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  #announce: (() => void) | undefined;

  constructor() {
    this.first = new Promise((resolve) => (this.#announce = resolve));
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#controller = undefined; // the client has gone, which its request's signal tells
      },
    });
  }

  send(event: object): void {
    this.#announce?.();
    this.#write(JSON.stringify(event));
  }

  end(): void {
    this.#write("[DONE]");
    this.fail();
  }

  /** Ends the stream in the midst of an answer. */
  fail(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  #write(data: string): void {
    this.#controller?.enqueue(this.#encoder.encode(`data: ${data}\n\n`));
  }
}
