import * as v from "valibot";
import { FlashSlothError } from "../../core/errors.ts";
import type { HubConnection } from "./connection.ts";
import { withRetries, type RetryOptions } from "./retry.ts";

/** A file of a repository at one commit. */
export interface HubFile {
  /** relative to the repository, `/` between folders */
  readonly path: string;
  readonly size: number;
  readonly digest: FileDigest;
}

/** What the bytes of a file must hash to: large files by SHA-256, small ones as git names their blob. */
export type FileDigest =
  | { readonly kind: "sha256"; readonly hex: string }
  | { readonly kind: "git-sha1"; readonly hex: string };

/** The hub gives up to 1,000 entries a page; no model repository comes near this. */
const MAX_PAGES = 200;

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha1 = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const revisionSchema = v.object({ sha: sha1 });
const pageSchema = v.array(
  v.object({
    type: v.string(),
    path: v.string(),
    oid: v.string(),
    size: v.optional(size, 0),
    lfs: v.optional(v.object({ oid: sha256, size })),
  }),
);

function parseAnswer<T>(schema: v.GenericSchema<unknown, T>, text: string, what: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw notTheHub(what, "it is not JSON");
  }
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) throw notTheHub(what, parsed.issues[0].message);
  return parsed.output;
}

function notTheHub(what: string, why: string): FlashSlothError {
  return new FlashSlothError("network", `the hub's ${what} is not understood: ${why}`, {
    hint: "does HF_ENDPOINT name a Hugging Face hub? A login page of the network may answer instead",
  });
}

/** The address behind `rel="next"` of a `Link` header. */
export function nextPage(link: string | null): string | undefined {
  for (const part of (link ?? "").split(/,(?=\s*<)/)) {
    const match = /^\s*<([^>]*)>(.*)$/s.exec(part);
    if (match !== null && /;\s*rel="?next"?/i.test(match[2] ?? "")) return match[1];
  }
  return undefined;
}

function apiAddress(connection: HubConnection, repo: string, verb: string, revision: string): URL {
  return new URL(
    `${connection.settings.endpoint}/api/models/${repo}/${verb}/${encodeURIComponent(revision)}`,
  );
}

/** The commit that a branch, a tag or a commit stands for. */
export async function resolveRevision(
  connection: HubConnection,
  repo: string,
  revision: string,
  retry: RetryOptions,
): Promise<string> {
  const address = apiAddress(connection, repo, "revision", revision);
  const { text } = await withRetries(retry, async () =>
    connection.getText(address, { signal: retry.signal }),
  );
  return parseAnswer(revisionSchema, text, "answer about the revision").sha;
}

/** Every file of a repository at `commit`. */
export async function listFiles(
  connection: HubConnection,
  repo: string,
  commit: string,
  retry: RetryOptions,
): Promise<HubFile[]> {
  let address: URL | undefined = apiAddress(connection, repo, "tree", commit);
  address.searchParams.set("recursive", "1");
  const files: HubFile[] = [];
  for (let page = 0; address !== undefined; page++) {
    if (page === MAX_PAGES) throw notTheHub("list of files", "it does not end");
    const here: URL = address;
    const { text, headers } = await withRetries(retry, async () =>
      connection.getText(here, { signal: retry.signal }),
    );
    for (const entry of parseAnswer(pageSchema, text, "list of files")) {
      if (entry.type === "file") files.push(hubFile(entry));
    }
    const next = nextPage(headers.get("link"));
    address = next === undefined ? undefined : new URL(next, here);
  }
  return files;
}

function hubFile(entry: v.InferOutput<typeof pageSchema>[number]): HubFile {
  const { path, lfs } = entry;
  if (lfs !== undefined) return { path, size: lfs.size, digest: { kind: "sha256", hex: lfs.oid } };
  if (!v.is(sha1, entry.oid)) throw notTheHub("list of files", `${path} has no hash`);
  return { path, size: entry.size, digest: { kind: "git-sha1", hex: entry.oid } };
}
