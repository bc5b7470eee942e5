import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { FlashSlothError } from "../../core/errors.ts";

/** What the environment says about the hub; the names are those of the hub's own tools. */
export interface HubSettings {
  /** without a slash at the end */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** no request may be made */
  readonly offline: boolean;
  /** folder of the hub tools' shared cache, `models--OWNER--NAME` inside */
  readonly cache: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const HUB_ENDPOINT = "https://huggingface.co" as const;
const TRUE = new Set(["1", "ON", "YES", "TRUE"]);

function first(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new FlashSlothError("usage", `HF_ENDPOINT is no http(s) address: "${text}"`, {
      hint: `unset it, or set it to ${HUB_ENDPOINT}`,
    });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** A header cannot carry anything but visible ASCII; the text itself never enters a message. */
function tokenOf(text: string | undefined, where: string): string | undefined {
  const token = text?.trim() ?? "";
  if (token === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new FlashSlothError("usage", `${where} holds no access token: it has spaces or odd characters`);
  }
  return token;
}

/**
 * `HF_ENDPOINT`; the token from `HF_TOKEN`, else the file `HF_TOKEN_PATH`, else `$HF_HOME/token`; `HF_HUB_OFFLINE`;
 * `HF_HUB_CACHE`, else `$HF_HOME/hub`. `HF_HOME` is `~/.cache/huggingface` unless set.
 * @throws `usage` for an endpoint or a token that cannot be one
 */
export async function hubSettings(env: Environment = process.env): Promise<HubSettings> {
  const cacheHome = first(env, "XDG_CACHE_HOME") ?? join(homedir(), ".cache");
  const home = first(env, "HF_HOME") ?? join(cacheHome, "huggingface");
  const tokenPath = first(env, "HF_TOKEN_PATH") ?? join(home, "token");
  const direct = first(env, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN");
  const token =
    direct === undefined
      ? tokenOf(await readFile(tokenPath, "utf8").catch(() => undefined), tokenPath)
      : tokenOf(direct, "HF_TOKEN");
  return {
    endpoint: endpointOf(first(env, "HF_ENDPOINT") ?? HUB_ENDPOINT),
    token,
    offline: TRUE.has((env["HF_HUB_OFFLINE"] ?? "").toUpperCase()),
    cache: first(env, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE") ?? join(home, "hub"),
  };
}
