import { request } from "node:http";
import { connect } from "node:net";
import { afterEach } from "vitest";
import type { EngineHandle } from "../../src/engine/api.ts";
import type { LogEntry } from "../../src/serve/options.ts";
import { startServer, type RunningServer, type ServeOptions } from "../../src/serve/server.ts";
import { FakeEngine } from "../pipeline/fake-engine.ts";

const running: RunningServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop(0);
});

export interface Started extends RunningServer {
  readonly log: LogEntry[];
}

/** A server in this process, for the length of one test. @param options the rest is as it is by default */
export async function started(
  options: Partial<ServeOptions> & { readonly engine?: EngineHandle } = {},
): Promise<Started> {
  const log: LogEntry[] = [];
  const { engine = new FakeEngine(), ...rest } = options;
  const server = await startServer({
    model: { engine, name: "fake" },
    port: 0,
    log: (entry) => void log.push(entry),
    ...rest,
  });
  running.push(server);
  return Object.assign(Object.create(server) as RunningServer, { url: server.url, log });
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** A request whose headers are just what the test wants: `fetch` would not send some of them. */
export async function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<Reply> {
  const { method = options.body === undefined ? "GET" : "POST", headers = {}, body } = options;
  return await new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Everything that comes back on a connection on which `say` writes what it wants, until the server closes it. */
export async function spoken(url: string, say: (write: (text: string) => void) => void): Promise<string> {
  const { hostname, port } = new URL(url);
  return await new Promise((resolve) => {
    let heard = "";
    const socket = connect(Number(port), hostname, () =>
      say((text) => void (socket.writable && socket.write(text))),
    );
    socket.setEncoding("utf8").on("data", (text: string) => (heard += text));
    socket.on("error", () => {}).on("close", () => resolve(heard));
  });
}

/** A small picture as a data URI; what it shows does not matter to a fake engine. */
export const PIXEL: string = `data:image/png;base64,${Buffer.from("pixel").toString("base64")}`;

export function chatBody(changes: object = {}): string {
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url: PIXEL } },
  ];
  return JSON.stringify({ messages: [{ role: "user", content }], ...changes });
}

export const JSON_TYPE: Record<string, string> = { "content-type": "application/json" };
