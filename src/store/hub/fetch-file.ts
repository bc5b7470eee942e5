import type { Hash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, writeFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { onDisk, syncFolder } from "../../core/files/disk.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { hashFile } from "../../core/files/hash-file.ts";
import { connectionFailure, discard, type HubConnection, type HubResponse } from "./connection.ts";
import { startDigest } from "./digest.ts";
import type { HubFile } from "./listing.ts";
import { Transient, withRetries, type Attempt, type RetryOptions } from "./retry.ts";

/** A whole file that arrives with a wrong hash is fetched once more: bits flip; a second time is no accident. */
const INTEGRITY_ATTEMPTS = 2;

export interface FetchFileOptions {
  readonly connection: HubConnection;
  /** `OWNER/REPO` */
  readonly repo: string;
  readonly commit: string;
  readonly file: HubFile;
  /** Where the verified file appears. Beside it, while under way: `.part` and `.part.etag`. */
  readonly target: string;
  /** Stop once so many bytes are on the disk: in `.part`, unverified, for the next fetch to go on from. @default all of them */
  readonly until?: number | undefined;
  /** Bytes of this file that are on the disk; falls when it has to start over. @default nobody */
  readonly onBytes?: ((onDisk: number) => void) | undefined;
  /** Bytes that came over the network. */
  readonly onReceived?: ((count: number) => void) | undefined;
  /** Bytes of an interrupted run that were hashed again. */
  readonly onRehash?: ((done: number, total: number) => void) | undefined;
  readonly retry: RetryOptions;
}

/** A partial file, the hash of exactly its bytes, and the `ETag` of what they are a part of. */
interface Partial {
  readonly handle: FileHandle;
  hash: Hash;
  position: number;
  /** the furthest that `position` got: only what goes beyond counts as success, or a server could send us in circles */
  furthest: number;
  etag: string | undefined;
}

/** Where a fetch ends. */
function endOf({ file, until = file.size }: FetchFileOptions): number {
  return Math.min(file.size, until);
}

/** A strong `ETag`; a weak one cannot vouch for bytes (RFC 9110, 13.1.5). */
function strongEtag(headers: Headers): string | undefined {
  const etag = headers.get("etag") ?? undefined;
  return etag?.startsWith('"') === true ? etag : undefined;
}

/**
 * Fetches one file, going on with what an earlier run left. It appears at `target` only after its hash was right.
 * @throws `network` when it does not come or comes damaged; `disk`; `access`, `model-missing`; the signal's reason
 */
export async function fetchFile(options: FetchFileOptions): Promise<void> {
  const { target, file, retry } = options;
  if (endOf(options) < file.size) {
    const partial = await openPartial(options);
    try {
      await withRetries(retry, async (attempt) => receive(options, partial, attempt));
    } finally {
      await partial.handle.close();
    }
    return;
  }
  for (let round = 1; ; round++) {
    const partial = await openPartial(options);
    let digest: string;
    try {
      await withRetries(retry, async (attempt) => receive(options, partial, attempt));
      digest = partial.hash.digest("hex");
      if (digest === file.digest.hex) await onDisk(target, partial.handle.sync());
    } finally {
      await partial.handle.close();
    }
    if (digest === file.digest.hex) break;
    await dropPartial(target);
    options.onBytes?.(0);
    if (round === INTEGRITY_ATTEMPTS) {
      throw new FlashSlothError(
        "network",
        `${file.path} arrived damaged ${round} times: its hash is ${digest}, the hub lists ${file.digest.hex}`,
        {
          hint: "something between here and the hub alters files: try another network, or another HF_ENDPOINT",
        },
      );
    }
  }
  await onDisk(target, rename(`${target}.part`, target));
  await rm(`${target}.part.etag`, { force: true });
  await syncFolder(dirname(target));
}

/** Removes what is left of an unfinished fetch. */
async function dropPartial(target: string): Promise<void> {
  await rm(`${target}.part.etag`, { force: true });
  await rm(`${target}.part`, { force: true });
}

async function openPartial(options: FetchFileOptions): Promise<Partial> {
  const { file, target, onBytes, onRehash, retry } = options;
  const path = `${target}.part`;
  await onDisk(target, mkdir(dirname(target), { recursive: true }));
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && found.size > file.size) await dropPartial(target);
  const hash = startDigest(file.digest, file.size);
  // the bytes that survived are hashed again: whatever happened to them, the hash decides in the end
  const position =
    found === undefined || found.size > file.size
      ? 0
      : await hashFile(path, hash, {
          onBytes: (done) => onRehash?.(done, file.size),
          signal: retry.signal,
        });
  const etag = position === 0 ? undefined : await readFile(`${path}.etag`, "utf8").catch(() => undefined);
  const handle = await onDisk(path, open(path, position === 0 ? "w" : "r+"));
  onBytes?.(position);
  return { handle, hash, position, furthest: position, etag };
}

async function startOver(options: FetchFileOptions, partial: Partial): Promise<void> {
  const { file, target, onBytes } = options;
  await onDisk(target, partial.handle.truncate(0));
  await rm(`${target}.part.etag`, { force: true });
  partial.hash = startDigest(file.digest, file.size);
  partial.position = 0;
  partial.etag = undefined;
  onBytes?.(0);
}

/** One request for what is missing. Returns when as much as is wanted is there (not: when it is right). */
async function receive(options: FetchFileOptions, partial: Partial, attempt: Attempt): Promise<void> {
  const { connection, file, retry } = options;
  const end = endOf(options);
  if (partial.position >= end && file.size > 0) return;
  const url = fileAddress(options);
  const headers: Record<string, string> = {};
  if (partial.position > 0 || end < file.size) {
    headers["range"] = `bytes=${partial.position}-${end < file.size ? end - 1 : ""}`;
    if (partial.position > 0 && partial.etag !== undefined) headers["if-range"] = partial.etag;
  }
  // the hub is asked anew each time: the signed addresses behind its redirects run out
  const response = await connection.get(url, { headers, signal: retry.signal });
  try {
    refuseOtherFile(options, response);
    await matchPosition(options, partial, response);
  } catch (error) {
    discard(response);
    throw error;
  }
  await receiveBody(options, partial, response, attempt);
}

/** Where the hub has a file of a repository. */
export function fileAddress({
  connection,
  repo,
  commit,
  file,
}: Pick<FetchFileOptions, "connection" | "repo" | "commit" | "file">): URL {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  return new URL(`${connection.settings.endpoint}/${repo}/resolve/${commit}/${path}`);
}

/** The hub says on its own redirect which content it leads to: a mismatch is known before gigabytes came. */
export function refuseOtherFile(
  { file, commit }: Pick<FetchFileOptions, "file" | "commit">,
  { hubHeaders }: HubResponse,
): void {
  const linked = hubHeaders.get("x-linked-etag")?.replaceAll('"', "");
  const otherContent = file.digest.kind === "sha256" && linked !== undefined && linked !== file.digest.hex;
  const servedCommit = hubHeaders.get("x-repo-commit") ?? commit;
  if (otherContent || servedCommit !== commit) {
    throw new FlashSlothError("network", `the hub contradicts itself about ${file.path}`, {
      hint: "its list of files and its storage disagree; run the command again later, or use another HF_ENDPOINT",
    });
  }
}

/** Brings the partial file to where the response begins. @throws Transient when that cannot be */
async function matchPosition(
  options: FetchFileOptions,
  partial: Partial,
  response: HubResponse,
): Promise<void> {
  const { file, target } = options;
  const { status, headers } = response;
  const etag = strongEtag(headers);
  if (status === 416) {
    await startOver(options, partial);
    throw new Transient(new FlashSlothError("network", `the hub refuses to go on within ${file.path}`));
  }
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    const fits =
      Number(range?.[1]) === partial.position && (range?.[2] === "*" || Number(range?.[2]) === file.size);
    const changed = partial.etag !== undefined && etag !== undefined && etag !== partial.etag;
    if (!fits || changed) {
      await startOver(options, partial);
      throw new Transient(new FlashSlothError("network", `the hub sent another part of ${file.path}`));
    }
  } else if (status === 200) {
    if (partial.position > 0) await startOver(options, partial);
    refuseOtherLength(file, headers);
  } else {
    throw new Transient(new FlashSlothError("network", `the hub answered ${file.path} with HTTP ${status}`));
  }
  if (etag !== partial.etag) {
    partial.etag = etag;
    if (etag === undefined) await rm(`${target}.part.etag`, { force: true });
    else await onDisk(target, writeFile(`${target}.part.etag`, etag));
  }
}

function refuseOtherLength(file: HubFile, headers: Headers): void {
  const length = headers.get("content-length");
  if (length !== null && headers.get("content-encoding") === null && Number(length) !== file.size) {
    throw new Transient(
      new FlashSlothError("network", `${file.path} has ${length} bytes, the hub lists ${file.size}`),
    );
  }
}

async function receiveBody(
  options: FetchFileOptions,
  partial: Partial,
  response: HubResponse,
  attempt: Attempt,
): Promise<void> {
  const { file, target, onBytes, onReceived, retry } = options;
  const end = endOf(options);
  const pieces = response.body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = await pieces.next().catch((error: unknown) => {
        retry.signal?.throwIfAborted();
        throw connectionFailure(error, response.url, "broke off");
      });
      if (next.done === true) break;
      const piece = next.value;
      if (partial.position + piece.byteLength > file.size) {
        await startOver(options, partial);
        throw new Transient(new FlashSlothError("network", `more bytes of ${file.path} came than it has`));
      }
      await writeAll(partial, piece, target);
      if (partial.position > partial.furthest) attempt.succeeded();
      partial.furthest = Math.max(partial.furthest, partial.position);
      onReceived?.(piece.byteLength);
      onBytes?.(partial.position);
      if (end < file.size && partial.position >= end) break; // the answer may go on
    }
  } finally {
    discard(response);
  }
  if (partial.position < end) {
    throw new Transient(
      new FlashSlothError("network", `${file.path} ended after ${partial.position} of ${end} bytes`),
    );
  }
}

async function writeAll(partial: Partial, piece: Buffer, target: string): Promise<void> {
  let done = 0;
  while (done < piece.byteLength) {
    const left = piece.byteLength - done;
    const { bytesWritten } = await onDisk(
      `${target}.part`,
      partial.handle.write(piece, done, left, partial.position),
    );
    // hashed piece by piece as it is written, so that hash and position never part
    partial.hash.update(piece.subarray(done, done + bytesWritten));
    partial.position += bytesWritten;
    done += bytesWritten;
  }
}
