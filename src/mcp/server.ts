import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { FlashSlothError } from "../core/errors.ts";
import { messageOf } from "../core/errors.ts";
import { PictureFetcher } from "../addresses/fetch.ts";
import { isPublicAddress } from "../addresses/public.ts";
import { VERSION } from "../core/version.ts";
import { Calls, type ToolContext } from "./call.ts";
import { LazyModel, unlessCancelled, type LoadModel } from "./model.ts";
import { Roots } from "./roots.ts";
import { addAskTool } from "./tools/ask.ts";
import { addCompareTool } from "./tools/compare.ts";
import { addSearchTool } from "./tools/search.ts";
import { PipeTransport, type PipeOptions } from "./transport.ts";

export interface McpOptions extends PipeOptions {
  readonly load: LoadModel;
  /** Folders; of this machine's files only what lies below them may be read. @default none */
  readonly roots?: readonly string[] | undefined;
  /** Whether pictures are fetched from http(s) addresses of the public internet. @default false */
  readonly remoteImages?: boolean | undefined;
  /** Aborting it ends the server at once. */
  readonly stop: AbortSignal;
  /** Hears what a person should know: a client that is not understood, a defect. */
  readonly warn: (message: string) => void;
}

/**
 * Serves the Model Context Protocol (https://modelcontextprotocol.io) on a pair of streams until the client says no more and
 * all is answered, or until stopped. Every native handle is free then.
 * @throws `usage` for a root that is no folder, and for a message that is too long
 */
export async function serveMcp(options: McpOptions): Promise<void> {
  const { load, input, output, stop, warn } = options;
  const roots = await Roots.open({ directories: options.roots ?? [] });
  const fetcher =
    options.remoteImages === true ? new PictureFetcher({ allowAddress: isPublicAddress }) : undefined;
  const model = new LazyModel(load);
  const server = createServer({
    places: { roots, fetcher },
    model,
    calls: new Calls((e) => warn(stackOf(e))),
  });
  const transport = new PipeTransport({ input, output });
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's servers have this alone
  server.server.onerror = (error): void => warn(`the client said something odd: ${messageOf(error)}`);
  try {
    await server.connect(transport);
    await unlessCancelled(transport.ended, stop);
    await unlessCancelled(transport.answeredAll(), stop);
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    input.close();
    await server.close();
    await fetcher?.close();
    await model.dispose();
  }
}

/** The server and its tools, connected to nobody yet. */
export function createServer(context: ToolContext): McpServer {
  const server = new McpServer(
    { name: "flashsloth", title: "FlashSloth", version: VERSION },
    {
      instructions:
        "Looks at pictures on this machine with a small vision-language model. Ask one short question at a time; " +
        "where the possible answers are known, compare_choices is more reliable than words.",
      maxToolInputElements: 10_000,
    },
  );
  addAskTool(server, context);
  addCompareTool(server, context);
  addSearchTool(server, context);
  return server;
}

function stackOf(error: FlashSlothError): string {
  return (error.cause instanceof Error && error.cause.stack) || error.stack || error.message;
}
