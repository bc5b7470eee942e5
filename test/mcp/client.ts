import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol.js";
import { BINARY, type Place } from "../cli/binary.ts";

/** What a tool said. */
export interface Said {
  readonly failed: boolean;
  readonly text: string;
  readonly structured: unknown;
}

/** The official client on a server of the built binary. */
export class TestClient implements AsyncDisposable {
  readonly client: Client = new Client({ name: "test", version: "1" });
  readonly #transport: StdioClientTransport;
  /** what the server's standard error has said so far */
  stderr = "";

  constructor(place: Place, words: readonly string[] = []) {
    this.#transport = new StdioClientTransport({
      command: process.execPath,
      args: [BINARY, "mcp", "-m", "demo", ...words],
      env: place.environment(),
      cwd: place.directory,
      stderr: "pipe",
    });
    this.#transport.stderr?.on("data", (piece: Buffer) => (this.stderr += piece.toString()));
  }

  static async open(place: Place, words: readonly string[] = []): Promise<TestClient> {
    const opened = new TestClient(place, words);
    await opened.client.connect(opened.#transport);
    return opened;
  }

  get pid(): number {
    return this.#transport.pid ?? Number.NaN;
  }

  async call(name: string, args: Record<string, unknown>, options?: RequestOptions): Promise<Said> {
    const result = await this.client.callTool({ name, arguments: args }, undefined, options);
    const content = result.content as { readonly type: string; readonly text: string }[];
    return {
      failed: result.isError === true,
      text: content.map(({ text }) => text).join("\n"),
      structured: result.structuredContent,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}
