import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { FlashSlothError } from "../core/errors.ts";
import type { Answer, AskHooks, EncodedPicture } from "../engine/api.ts";
import { readChatRequest, type ChatRequest } from "../openai/chat-request.ts";
import { completionBody, type CompletionHead } from "../openai/completion.ts";
import { DELIVERY_FIELDS, readDelivery, type Delivery } from "../openai/delivery.ts";
import type { Admission, Place } from "./admission.ts";
import { ApiError, apiErrorOf } from "./api-error.ts";
import { attentionBody } from "./attention.ts";
import { readJson } from "./body.ts";
import { Deadline } from "./deadline.ts";
import type { ServeEnv } from "./env.ts";
import type { Metrics } from "./metrics.ts";
import { checkModel } from "./models.ts";
import type { ServedModel } from "./options.ts";
import type { Pictures } from "./pictures.ts";
import { STREAM_HEADERS, streamAnswer } from "./stream.ts";

/** Seconds after which a client that was turned away may try again. */
const RETRY_AFTER = "1";

export interface ChatParts {
  readonly model: ServedModel;
  /** for one request, waiting included */
  readonly timeoutMs: number | undefined;
  readonly admission: Admission;
  readonly pictures: Pictures;
  readonly metrics: Metrics;
  /** aborted when the server ends, whatever is under way */
  readonly ending: AbortSignal;
}

/** What a client asked, and what stands behind its answer. */
interface Asked {
  readonly request: ChatRequest;
  readonly delivery: Delivery;
  readonly deadline: Deadline;
}

/** `POST /v1/chat/completions` */
export async function chat(c: Context<ServeEnv>, parts: ChatParts): Promise<Response> {
  const place = parts.admission.enter();
  if (place === undefined) {
    throw new ApiError({
      status: 429,
      code: "queue_full",
      message: "as many requests wait as may; try again soon",
      headers: { "retry-after": RETRY_AFTER },
    });
  }
  const deadline = new Deadline({
    limitMs: parts.timeoutMs,
    signals: [c.req.raw.signal, parts.ending],
  });
  const end = (): void => {
    place.leave();
    deadline.clear();
  };
  try {
    const body = await readJson(c);
    checkModel(body["model"], parts.model);
    const delivery = readDelivery(body);
    const request = readChatRequest(body, { also: DELIVERY_FIELDS });
    return await answer(c, parts, { request, delivery, deadline }, place, end);
  } catch (error) {
    end();
    throw deadline.over(error);
  }
}

/** @param end called when nothing is left of the request */
async function answer(
  c: Context<ServeEnv>,
  parts: ChatParts,
  asked: Asked,
  place: Place,
  end: () => void,
): Promise<Response> {
  const { request, delivery, deadline } = asked;
  const picture = await look(parts, asked, place);
  const head: CompletionHead = { id: randomUUID().replaceAll("-", ""), model: parts.model.name };
  const ask = async (onText?: AskHooks["onText"]): Promise<Answer> => {
    try {
      const answered = await parts.metrics.during(
        parts.model.engine.ask(
          picture,
          {
            ...request.settings,
            question: request.question,
            history: request.history,
            keep: true,
            logprobs: delivery.logprobs,
            explain: delivery.explain,
            timeoutMs: deadline.leftMs,
          },
          { onText, signal: deadline.signal },
        ),
      );
      const { tokens } = answered;
      c.get("said").tokens = tokens;
      if (answered.finish === "interrupted") throw new FlashSlothError("interrupted", "the server is ending");
      if (answered.finish === "timeout" && answered.text === "") throw Deadline.passed();
      return answered;
    } catch (error) {
      const failure = apiErrorOf(deadline.over(error), refusedField(asked));
      c.get("said").code = failure.code;
      throw failure;
    } finally {
      end();
      await parts.pictures.release(picture).catch(() => {});
    }
  };
  const explained = ({ explain }: Answer): object | undefined => explain && attentionBody(explain, picture);
  if (delivery.stream) {
    return c.body(await streamAnswer({ head, delivery, explained, ask }), 200, STREAM_HEADERS);
  }
  const answered = await ask();
  const { text, finish, tokens, logprobs, choices, mass } = answered;
  const explain = explained(answered);
  return c.json(completionBody({ ...head, text, finish, tokens, logprobs, choices, mass, explain }));
}

/** Waits for the request's turn, and has its picture encoded. */
async function look(parts: ChatParts, asked: Asked, place: Place): Promise<EncodedPicture> {
  const { request, deadline } = asked;
  const { signal } = deadline;
  try {
    const bytes = await parts.pictures.read(request.image, signal);
    await place.turn(signal);
    return await parts.pictures.encode(bytes, signal);
  } catch (error) {
    throw apiErrorOf(deadline.over(error), request.imageField);
  }
}

/** The field that the engine may find unusable when it has the question. */
function refusedField({ request, delivery }: Asked): string | undefined {
  const { constraint } = request.settings;
  if (constraint !== undefined) return { schema: "response_format", choices: "choices" }[constraint.kind];
  return delivery.explain === undefined ? undefined : "explain";
}
