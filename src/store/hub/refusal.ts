import { FlashSlothError } from "../../core/errors.ts";
import { retryAfter, Transient } from "./retry.ts";
import type { HubSettings } from "./settings.ts";

/** `OWNER/REPO` out of an API or a file's address; its path when it has neither form. */
function repoOf(url: URL): string {
  const found = /(?:\/api\/models)?\/([^/]+\/[^/]+)\/(?:tree|revision|resolve)\//.exec(url.pathname)?.[1];
  return found?.replace(/^models\//, "") ?? url.pathname;
}

function loginHint(settings: HubSettings, repo: string, gated: boolean): string {
  const accept = gated ? `open ${settings.endpoint}/${repo} and accept its terms, then ` : "";
  const login = `log in with \`hf auth login\`, or set HF_TOKEN to a token from ${settings.endpoint}/settings/tokens`;
  return settings.token === undefined
    ? accept + login
    : `${accept}check that the token may read it: ${login}`;
}

/** What a status from 400 on means, by the hub's `X-Error-Code` where it has one. */
export function refusal(
  status: number,
  headers: Headers,
  url: URL,
  settings: HubSettings,
): FlashSlothError | Transient {
  const repo = repoOf(url);
  const own = url.origin === new URL(settings.endpoint).origin;
  const code = headers.get("x-error-code") ?? "";

  if (status === 429 || status === 408 || status >= 500) {
    const why =
      status === 429 ? "asks us to slow down" : status === 408 ? "timed out" : "has trouble of its own";
    const wait = retryAfter({
      retryAfter: headers.get("retry-after") ?? undefined,
      rateLimit: headers.get("ratelimit") ?? undefined,
    });
    const error = new FlashSlothError("network", `${url.host} ${why} (HTTP ${status})`, {
      hint:
        wait === undefined
          ? "run the same command again later: it goes on where it stopped"
          : `run the same command again in ${Math.ceil(wait / 1000)} s: it goes on where it stopped`,
    });
    return new Transient(error, wait);
  }
  if (!own && (status === 401 || status === 403)) {
    // a signed address that ran out: the hub gives a new one on the next attempt
    return new Transient(
      new FlashSlothError("network", `${url.host} refused a signed address (HTTP ${status})`),
    );
  }
  if (code === "GatedRepo") {
    return new FlashSlothError("access", `${repo} is gated: its owner wants its terms accepted first`, {
      hint: loginHint(settings, repo, true),
    });
  }
  if (code === "RevisionNotFound") {
    return new FlashSlothError("model-missing", `${repo} has no such revision`, {
      hint: `see ${settings.endpoint}/${repo}/commits/main for its commits`,
    });
  }
  if (status === 401 || status === 403) {
    const why = status === 401 ? "does not exist, or is private" : "is not open to you";
    return new FlashSlothError("access", `${repo} ${why} (HTTP ${status})`, {
      hint: loginHint(settings, repo, false),
    });
  }
  if (status === 404 || status === 410) {
    return new FlashSlothError("model-missing", `${settings.endpoint} has no ${repo} (HTTP ${status})`, {
      hint: "check the spelling of the name; OWNER/REPO is case-sensitive",
    });
  }
  return new FlashSlothError("network", `${url.host} answered with HTTP ${status}`);
}
