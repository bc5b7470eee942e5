import type { Command } from "commander";
import { byteCount, eachOf, filled, pixelCount, portNumber, queueLength, timeoutSeconds } from "../values.ts";
import { cacheOptions, parallelOption } from "./many.ts";
import { modelOptions, terminalOptions, type ModelFlags, type TerminalFlags } from "./shared.ts";

export interface ServeFlags extends ModelFlags, TerminalFlags {
  readonly host: string;
  readonly port: number;
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
  readonly allowedHost?: readonly string[];
  readonly cors?: readonly string[];
  readonly allowRemoteImages?: boolean;
  readonly maxBody: number;
  readonly maxPixels: number;
  readonly queue: number;
  readonly timeout?: number;
  readonly grace: number;
  readonly parallel: number | "auto";
  readonly cache: boolean;
  readonly cacheSize?: number;
}

/** `flashsloth serve` */
export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .summary("answer over HTTP, as OpenAI's clients expect it")
    .description(
      "Answer questions about pictures over HTTP, as OpenAI's clients expect it (/v1/chat/completions).\n" +
        "Only programs on this machine can ask, unless --host says otherwise; then a key is needed.\n" +
        "Ctrl-C finishes the answers that are under way, the second stops at once.",
    )
    .option("--host <address>", "the address to listen at", filled("an address"), "127.0.0.1")
    .option("--port <n>", "the port to listen at; 0 takes any that is free", portNumber, 8765)
    .option(
      "--api-key <key>",
      "a key that clients must send; other users of this machine can see it here",
      filled("a key"),
    )
    .option(
      "--api-key-file <file>",
      "a file with that key; FLASHSLOTH_API_KEY may hold it too",
      filled("a file"),
    )
    .option(
      "--allowed-host <name>",
      "a further name by which clients may call this server; may be repeated",
      eachOf,
    )
    .option("--cors <origin>", "an origin whose pages may use this server; may be repeated", eachOf)
    .option(
      "--allow-remote-images",
      "fetch pictures that clients name by http(s) URLs, from public addresses",
    )
    .option(
      "--max-body <bytes>",
      "the largest request, and the largest picture to fetch",
      byteCount,
      32_000_000,
    )
    .option("--max-pixels <n>", "the most pixels of a picture, such as 50M", pixelCount, 100_000_000)
    .option("--queue <n>", "requests that may wait; more are turned away", queueLength, 64)
    .option("--timeout <seconds>", "the longest time for one request", timeoutSeconds)
    .option(
      "--grace <seconds>",
      "how long answers may take that are under way when it is stopped",
      timeoutSeconds,
      60,
    );
  const many = modelOptions(command).addOption(parallelOption());
  terminalOptions(cacheOptions(many)).action(async (flags: ServeFlags) => {
    const { serve } = await import("../serve.ts");
    await serve(flags);
  });
}
