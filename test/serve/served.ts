import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll } from "vitest";
import { BINARY, finished, type Finished, type Place } from "../cli/binary.ts";

export const MODEL = "demo";

/** The built binary's `serve`, on a port that was free. */
export class Server {
  readonly url: string;
  readonly child: ChildProcessWithoutNullStreams;
  /** how it ended, once it has */
  readonly ended: Promise<Finished>;
  readonly #said: () => string;

  private constructor(
    url: string,
    child: ChildProcessWithoutNullStreams,
    ended: Promise<Finished>,
    said: () => string,
  ) {
    this.url = url;
    this.child = child;
    this.ended = ended;
    this.#said = said;
  }

  static async start(
    place: Place,
    words: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Server> {
    const all = [BINARY, "serve", "-m", MODEL, "--port", "0", "--no-cache", ...words];
    const child = place.start(process.execPath, all, { env, stdin: null });
    const ended = finished(child);
    let said = "";
    const url = await new Promise<string>((ready, failed) => {
      child.stderr.on("data", (text: string) => {
        said += text;
        const [, address] = /serving \S+ at (http:\S+)\/v1;/.exec(said) ?? [];
        if (address !== undefined) ready(address);
      });
      child.on("close", () => failed(new Error(`the server did not start: ${said}`)));
    });
    return new Server(url, child, ended, () => said);
  }

  /** what stands on standard error so far */
  get log(): string {
    return this.#said();
  }

  client(apiKey = "none"): OpenAI {
    return new OpenAI({ baseURL: `${this.url}/v1`, apiKey, maxRetries: 0 });
  }

  /** The values of the metrics, by their names with labels. */
  async metrics(): Promise<Map<string, number>> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.replace(/^.* /, ""))]));
  }

  /** resident memory in bytes */
  async resident(): Promise<number> {
    return (await this.metrics()).get("process_resident_memory_bytes") ?? 0;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
    this.child.kill(signal);
    return await this.ended;
  }
}

/** A server for the tests of one file. */
export function serverFor(place: Place, words: readonly string[] = []): { current: Server } {
  const held = { current: undefined as unknown as Server };
  beforeAll(async () => {
    held.current = await Server.start(place, words);
  });
  afterAll(async () => void (await held.current?.stop()));
  return held;
}

export function dataUri(file: string): string {
  const type = extname(file).slice(1).replace("jpg", "jpeg");
  return `data:image/${type};base64,${readFileSync(file).toString("base64")}`;
}

type Message = OpenAI.ChatCompletionMessageParam;

/** What a user says about a picture. */
export function asked(url: string, question: string): Message {
  return {
    role: "user",
    content: [
      { type: "text", text: question },
      { type: "image_url", image_url: { url } },
    ],
  };
}

/** Resolves once `holds` does, and fails when that takes too long. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it has not come about that ${what}`);
    await new Promise((wait) => setTimeout(wait, 20));
  }
}
