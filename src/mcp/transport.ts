import { Readable, type Writable } from "node:stream";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { FlashSlothError } from "../core/errors.ts";
import { Line } from "../pipeline/bounds/line.ts";
import type { Input } from "../pipeline/sources/bytes/input.ts";
import { pieces } from "../pipeline/sources/bytes/pieces.ts";

/** A picture of 48 MB in base64, the largest that phones make and more. Larger ones have a path. */
const LONGEST_MESSAGE = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface PipeOptions {
  /** What the client says. */
  readonly input: Input;
  /** What it hears. */
  readonly output: Writable;
}

/** The client's side of standard input and output: knows when it has said all, and when all is answered. */
export class PipeTransport extends StdioServerTransport {
  /** Resolves when the client says no more; rejects with `usage` after a message that is too long. */
  readonly ended: Promise<void>;
  readonly #open = new Set<RequestId>();
  readonly #answering = new Line();

  constructor({ input, output }: PipeOptions) {
    const messages = Readable.from(wholeMessages(input), { objectMode: false });
    super(messages, output, { maxBufferSize: 2 * LONGEST_MESSAGE });
    this.ended = new Promise((resolve, reject) => {
      messages.once("end", resolve).once("error", reject);
    });
    this.ended.catch(() => {}); // heard by whoever awaits it
  }

  override async start(): Promise<void> {
    const { onmessage } = this;
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's transports have this alone
    this.onmessage = (message) => {
      if (isJSONRPCRequest(message)) this.#open.add(message.id);
      if (isJSONRPCNotification(message)) this.#cancelled(message);
      onmessage?.(message);
    };
    await super.start();
  }

  override async send(message: JSONRPCMessage): Promise<void> {
    await super.send(message);
    if ("id" in message && !("method" in message) && message.id !== undefined) this.#answered(message.id);
  }

  /** Resolves when every request that came was answered, or cancelled. */
  async answeredAll(): Promise<void> {
    await this.#answering.wait(() => this.#open.size === 0);
  }

  #cancelled({ method, params }: { readonly method: string; readonly params?: object | undefined }): void {
    if (method !== "notifications/cancelled" || params === undefined || !("requestId" in params)) return;
    this.#answered(params.requestId as RequestId);
  }

  #answered(id: RequestId): void {
    this.#open.delete(id);
    this.#answering.move();
  }
}

/** The SDK copies what it has at every read; a message of megabytes is joined here, once. */
async function* wholeMessages(input: Input): AsyncGenerator<Buffer, void, void> {
  for await (const { bytes } of pieces(input.bytes, { separator: NEWLINE, longest: LONGEST_MESSAGE })) {
    if (bytes === undefined) {
      throw new FlashSlothError("usage", `a message is longer than ${LONGEST_MESSAGE / 1024 / 1024} MiB`, {
        hint: "name large pictures by their path",
      });
    }
    yield Buffer.concat([bytes, Buffer.of(NEWLINE)]);
  }
}
