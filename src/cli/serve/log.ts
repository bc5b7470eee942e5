import type { LogEntry } from "../../serve/options.ts";

/** A request in a line: what it was, how it ended, how long it took. */
export function logLine({ id, method, route, status, ms, tokens, code }: LogEntry): string {
  const parts = [id, method, route, String(status), `${Math.round(ms)} ms`];
  if (tokens !== undefined) parts.push(`${tokens.prompt}+${tokens.answer} tokens`);
  if (code !== undefined) parts.push(code);
  return parts.join(" ");
}

export interface GreetingOptions {
  readonly url: string;
  readonly model: string;
  readonly keyed: boolean;
}

/** Where the server is, and a command that tries it. */
export function greeting({ url, model, keyed }: GreetingOptions): string {
  const key = keyed ? ' -H "Authorization: Bearer $FLASHSLOTH_API_KEY"' : "";
  return `serving ${model} at ${url}/v1; open ${url} in a browser, or try: curl${key} ${url}/v1/models`;
}
