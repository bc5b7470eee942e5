import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rm, stat, utimes } from "node:fs/promises";
import { uptime } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { diskError } from "./bytes.ts";
import { isRunning, thisProcess, UNKNOWN_START, type ProcessIdentity } from "./process-identity.ts";

/*
 * A lock is a set of claims: files whose names say which process made them. A process writes its claim, then lists
 * the claims of the same key; it holds the lock when no other running process has one, else it takes its claim back
 * and waits. Of two processes, the one that lists later sees the other's claim, so never do both hold. Names are
 * never used twice, so removing a dead process's claim cannot hit a living one: nothing is left locked by a kill.
 */

/** How often a holder shows to other machines that it lives, and how long they wait without a sign. */
const HEARTBEAT_MS = 15_000;
const FOREIGN_STALE_MS = 5 * 60_000;
/** Waiting processes look again after this long, give or take half, so that they do not meet forever. */
const POLL_MS = 150;

export interface LockOptions {
  /** Where claims are written; made if absent. */
  readonly directory: string;
  /** What is locked: letters, digits, `.`, `_`, `@`, `-`. */
  readonly key: string;
  /** Called once when another process holds the lock. */
  readonly onWait?: ((holder: { readonly pid: number }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Claim {
  readonly file: string;
  readonly owner: ProcessIdentity;
}

const CLAIM = /^(?<key>.+)\.(?<machine>[0-9a-f]{8})-(?<pid>\d+)-(?<started>[0-9a-f]+)-[0-9a-f]{12}\.lock$/;

function parseClaim(file: string): (Claim & { key: string }) | undefined {
  const groups = CLAIM.exec(file)?.groups;
  if (groups === undefined) return undefined;
  const { key = "", machine = "", pid = "", started = "" } = groups;
  return { file, key, owner: { pid: Number(pid), started, machine } };
}

async function isAlive(directory: string, claim: Claim): Promise<boolean> {
  const running = await isRunning(claim.owner);
  if (running === false) return false;
  const written = await stat(join(directory, claim.file)).catch(() => undefined);
  if (written === undefined) return false;
  const age = Date.now() - written.mtimeMs;
  if (running === undefined) return age < FOREIGN_STALE_MS;
  if (claim.owner.started !== UNKNOWN_START) return true;
  // a process number from before the machine started names another process now
  return age < uptime() * 1000 + HEARTBEAT_MS;
}

/** The claims of running processes on `key`; those of dead ones are removed on the way. */
async function livingClaims(directory: string, key: string): Promise<Claim[]> {
  const living: Claim[] = [];
  for (const file of await readdir(directory)) {
    const claim = parseClaim(file);
    if (claim?.key !== key) continue;
    if (await isAlive(directory, claim)) living.push(claim);
    else await rm(join(directory, file), { force: true });
  }
  return living;
}

/** Removes the claims of processes that died, whatever their key. */
export async function sweepDeadClaims(directory: string): Promise<void> {
  const files = await readdir(directory).catch(() => []);
  const keys = new Set(files.map((file) => parseClaim(file)?.key));
  for (const key of keys) if (key !== undefined) await livingClaims(directory, key);
}

/** Claims already made inside this process: the identity of a process cannot tell two of its own tasks apart. */
const heldHere = new Set<string>();

async function tryClaim(options: LockOptions): Promise<string | { readonly pid: number }> {
  const { directory, key } = options;
  const here = join(directory, key);
  if (heldHere.has(here)) return { pid: process.pid };
  heldHere.add(here);
  let file: string | undefined;
  try {
    const before = (await livingClaims(directory, key))[0];
    if (before !== undefined) {
      heldHere.delete(here);
      return before.owner;
    }
    const { machine, pid, started } = await thisProcess();
    const name = `${key}.${machine}-${pid}-${started}-${randomBytes(6).toString("hex")}.lock`;
    file = join(directory, name);
    await (await open(file, "wx")).close();
    const other = (await livingClaims(directory, key)).find((found) => found.file !== name);
    if (other === undefined) return file;
    await rm(file, { force: true });
    heldHere.delete(here);
    return other.owner;
  } catch (error) {
    heldHere.delete(here);
    if (file !== undefined) await rm(file, { force: true });
    throw diskError(file ?? directory, error);
  }
}

/**
 * Runs `task` while no other process (nor another task of this one) runs under the same key.
 * @throws `disk` when the claim cannot be written; the signal's reason when it aborts while waiting
 */
export async function withLock<T>(options: LockOptions, task: () => Promise<T>): Promise<T> {
  const { directory, key, onWait, signal } = options;
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw diskError(directory, error);
  });
  let told = false;
  let claimed = await tryClaim(options);
  while (typeof claimed !== "string") {
    if (!told) onWait?.(claimed);
    told = true;
    await sleep(POLL_MS * (0.5 + Math.random()), undefined, { signal });
    claimed = await tryClaim(options);
  }
  const file = claimed;
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await task();
  } finally {
    clearInterval(heartbeat);
    await rm(file, { force: true });
    heldHere.delete(join(directory, key));
  }
}
