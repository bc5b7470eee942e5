import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { CallToolResult, ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";
import { asFlashSlothError, FlashSlothError } from "../core/errors.ts";
import { Line } from "../pipeline/bounds/line.ts";
import type { LazyModel } from "./model.ts";
import type { PicturePlaces } from "./pictures.ts";
import { Progress } from "./progress.ts";

/** What the tools work with. */
export interface ToolContext {
  readonly places: PicturePlaces;
  readonly model: LazyModel;
  readonly calls: Calls;
}

/** One call of a tool, while it is answered. */
export interface Call {
  /** Aborted: the client cancelled it, or is gone. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** As many are worked on at once: each holds a picture. More than any engine asks together (64) would only wait there. */
const MOST_AT_ONCE = 64;

/** The calls that are being answered. */
export class Calls {
  readonly #waiting = new Line();
  readonly #onDefect: (error: FlashSlothError) => void;
  #running = 0;

  /** @param onDefect hears of what is our own fault, with its stack as the cause */
  constructor(onDefect: (error: FlashSlothError) => void) {
    this.#onDefect = onDefect;
  }

  /** Answers a call: what `work` throws becomes a tool's error, with what to do about it. */
  async answer(
    extra: RequestHandlerExtra<ServerRequest, ServerNotification>,
    work: (call: Call) => Promise<CallToolResult>,
  ): Promise<CallToolResult> {
    const { signal } = extra;
    const progress = new Progress({ send: (done, message) => notify(extra, done, message) });
    await this.#waiting.wait(() => {
      if (this.#running >= MOST_AT_ONCE) return false;
      this.#running++;
      return true;
    });
    try {
      if (signal.aborted) throw new FlashSlothError("interrupted", "the call was cancelled");
      return await work({ signal, progress });
    } catch (thrown) {
      const error = asFlashSlothError(thrown, "internal", "unexpected failure");
      if (error.code === "internal") this.#onDefect(error);
      const hint = error.hint === undefined ? "" : `\nhint: ${error.hint}`;
      return { isError: true, content: [{ type: "text", text: `${error.code}: ${error.message}${hint}` }] };
    } finally {
      progress.end();
      this.#running--;
      this.#waiting.move();
    }
  }
}

function notify(
  { _meta, signal, sendNotification }: RequestHandlerExtra<ServerRequest, ServerNotification>,
  progress: number,
  message: string,
): void {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined || signal.aborted) return;
  const params = { progressToken, progress, message };
  sendNotification({ method: "notifications/progress", params }).catch(() => {}); // the client is gone
}
