import type { AttentionBody } from "../../attention.ts";
import { eventData } from "./events.ts";

/** A question and its answer, as they were said before. */
export interface Said {
  readonly question: string;
  readonly answer: string;
}

export interface AskOptions {
  readonly model: string;
  /** a data URI */
  readonly picture: string;
  readonly history: readonly Said[];
  readonly question: string;
  /** Whether to tell where the model looked. */
  readonly explain: boolean;
  readonly signal: AbortSignal;
  readonly onText: (piece: string) => void;
}

export interface Answer {
  /** `stop`, or `length` where it was cut off */
  readonly finish: string;
  readonly attention: AttentionBody | undefined;
}

/** The server says why not, in words. */
export class Refusal extends Error {
  readonly status: number;
  /** the field that is wrong, where it is one */
  readonly param: string | undefined;

  constructor(status: number, message: string, param: string | undefined) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

const KEY = "flashsloth-key";

/** Keeps the API key for as long as this tab is open. */
export function useKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

/** The name of the model that is served. @throws Refusal */
export async function servedModel(): Promise<string> {
  const { data } = (await (await send("v1/models")).json()) as { readonly data: readonly { id: string }[] };
  return data[0]?.id ?? "";
}

interface Chunk {
  readonly choices?: readonly [
    { readonly delta: { readonly content?: string }; readonly finish_reason: string | null },
  ];
  readonly flashsloth?: { readonly explain?: AttentionBody };
  readonly error?: { readonly message: string };
}

/** Asks a question about a picture. @throws Refusal; what `fetch` throws, also when aborted */
export async function ask(options: AskOptions): Promise<Answer> {
  const { model, explain, signal, onText } = options;
  const response = await send("v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      messages: messagesOf(options),
      stream: true,
      ...(explain && { explain: true }),
    }),
    signal,
  });
  let finish = "";
  let attention: AttentionBody | undefined;
  if (response.body === null) throw new Refusal(response.status, "The server said nothing.", undefined);
  for await (const data of eventData(response.body)) {
    if (data === "[DONE]") continue;
    const { choices, flashsloth, error } = JSON.parse(data) as Chunk;
    if (error !== undefined) throw new Refusal(response.status, error.message, undefined);
    const [choice] = choices ?? [];
    if (choice?.delta.content !== undefined && choice.delta.content !== "") onText(choice.delta.content);
    finish = choice?.finish_reason ?? finish;
    attention = flashsloth?.explain ?? attention;
  }
  if (finish === "")
    throw new Refusal(response.status, "The connection ended before the answer did.", undefined);
  return { finish, attention };
}

/** The conversation as OpenAI's clients send it: the picture is in the first question. */
function messagesOf({ picture, history, question }: AskOptions): object[] {
  const [first, ...later] = [...history.map((said) => said.question), question];
  const text = { type: "text", text: first };
  const messages: object[] = [
    { role: "user", content: [{ type: "image_url", image_url: { url: picture } }, text] },
  ];
  for (const [at, next] of later.entries()) {
    messages.push({ role: "assistant", content: history[at]?.answer ?? "" }, { role: "user", content: next });
  }
  return messages;
}

async function send(path: string, request: RequestInit = {}): Promise<Response> {
  const headers = new Headers(request.headers);
  const key = sessionStorage.getItem(KEY);
  if (key !== null) headers.set("authorization", `Bearer ${key}`);
  const response = await fetch(path, { ...request, headers, credentials: "omit" });
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as {
    readonly error?: { readonly message: string; readonly param: string | null };
  };
  const message = error?.message ?? `The server answers ${response.status} ${response.statusText}.`;
  throw new Refusal(response.status, message, error?.param ?? undefined);
}
