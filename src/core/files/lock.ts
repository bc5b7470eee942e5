import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { diskError } from "./bytes.ts";
import {
  processesHere,
  UNKNOWN_START,
  type Processes,
  type ProcessIdentity,
} from "../machine/process-identity.ts";

/*
 * A lock is a set of claims: files whose names say which process made them. A process writes its claim, then lists
 * the claims of the same key; it holds the lock when no other running process has one, else it takes its claim back
 * and waits. Of two processes, the one that lists later sees the other's claim, so never do both hold. Names are
 * never used twice, so removing a dead process's claim cannot hit a living one: nothing is left locked by a kill.
 */

/** How often a holder shows to other machines that it lives, and how long they wait without a sign. */
const HEARTBEAT_MS = 15_000;
const FOREIGN_STALE_MS = 5 * 60_000;
/**
 * How long they wait when the last sign came from a host of their own name, before they were started: most likely it was this
 * machine. Any other, if alive, has shown it since: at each heartbeat, seen a minute later at worst (NFS keeps a file's times
 * for up to 60 s), and clocks differ a little.
 */
const RESTARTED_STALE_MS = 90_000;
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
  /** Knows which processes run. @default those of this machine */
  readonly processes?: Processes | undefined;
}

interface Claim {
  readonly file: string;
  readonly owner: ProcessIdentity;
}

const CLAIM =
  /^(?<key>.+)\.(?<host>[0-9a-f]{8})-(?<boot>[0-9a-f]{8})-(?<pid>\d+)-(?<started>[0-9a-f]+)-[0-9a-f]{12}\.lock$/;

function parseClaim(file: string): (Claim & { key: string }) | undefined {
  const groups = CLAIM.exec(file)?.groups;
  if (groups === undefined) return undefined;
  const { key = "", host = "", boot = "", pid = "", started = "" } = groups;
  return { file, key, owner: { pid: Number(pid), started, host, boot } };
}

async function isAlive(directory: string, claim: Claim, processes: Processes): Promise<boolean> {
  const running = await processes.isRunning(claim.owner);
  if (running === false) return false;
  const written = await stat(join(directory, claim.file)).catch(() => undefined);
  if (written === undefined) return false;
  const age = Date.now() - written.mtimeMs;
  const uptime = processes.system.uptimeMs();
  if (running === undefined) {
    const restarted = age > uptime && claim.owner.host === (await processes.self()).host;
    return age < (restarted ? RESTARTED_STALE_MS : FOREIGN_STALE_MS);
  }
  if (claim.owner.started !== UNKNOWN_START) return true;
  // a process number from before the machine started names another process now
  return age < uptime + HEARTBEAT_MS;
}

/** The claims of running processes on `key`; those of dead ones are removed on the way. */
async function livingClaims(directory: string, key: string, processes: Processes): Promise<Claim[]> {
  const living: Claim[] = [];
  for (const file of await readdir(directory)) {
    const claim = parseClaim(file);
    if (claim?.key !== key) continue;
    if (await isAlive(directory, claim, processes)) living.push(claim);
    else await rm(join(directory, file), { force: true });
  }
  return living;
}

/** Removes the claims of processes that died, whatever their key. */
export async function sweepDeadClaims(
  directory: string,
  processes: Processes = processesHere,
): Promise<void> {
  const files = await readdir(directory).catch(() => []);
  const keys = new Set(files.map((file) => parseClaim(file)?.key));
  for (const key of keys) if (key !== undefined) await livingClaims(directory, key, processes);
}

/** Claims already made inside this process: the identity of a process cannot tell two of its own tasks apart. */
const heldHere = new Set<string>();

async function tryClaim(options: LockOptions): Promise<string | { readonly pid: number }> {
  const { directory, key, processes = processesHere } = options;
  const here = join(directory, key);
  if (heldHere.has(here)) return { pid: process.pid };
  heldHere.add(here);
  let file: string | undefined;
  try {
    const before = (await livingClaims(directory, key, processes))[0];
    if (before !== undefined) {
      heldHere.delete(here);
      return before.owner;
    }
    const { host, boot, pid, started } = await processes.self();
    const name = `${key}.${host}-${boot}-${pid}-${started}-${randomBytes(6).toString("hex")}.lock`;
    file = join(directory, name);
    await (await open(file, "wx")).close();
    const other = (await livingClaims(directory, key, processes)).find((found) => found.file !== name);
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

/** A lock that is held until it is released, or until the process ends. */
export interface HeldLock {
  release(): Promise<void>;
}

/**
 * Takes a lock if it is free.
 * @returns who holds it otherwise
 * @throws `disk` when the claim cannot be written
 */
export async function tryLock(
  options: Pick<LockOptions, "directory" | "key" | "processes">,
): Promise<HeldLock | { readonly pid: number }> {
  const { directory, key } = options;
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw diskError(directory, error);
  });
  const file = await tryClaim(options);
  if (typeof file !== "string") return file;
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    release: async () => {
      clearInterval(heartbeat);
      await rm(file, { force: true });
      heldHere.delete(join(directory, key));
    },
  };
}

/**
 * Runs `task` while no other process (nor another task of this one) runs under the same key.
 * @throws `disk` when the claim cannot be written; the signal's reason when it aborts while waiting
 */
export async function withLock<T>(options: LockOptions, task: () => Promise<T>): Promise<T> {
  const { onWait, signal } = options;
  let told = false;
  let lock = await tryLock(options);
  while (!("release" in lock)) {
    if (!told) onWait?.(lock);
    told = true;
    await sleep(POLL_MS * (0.5 + Math.random()), undefined, { signal });
    lock = await tryLock(options);
  }
  try {
    return await task();
  } finally {
    await lock.release();
  }
}
