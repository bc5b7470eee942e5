import { createHash } from "node:crypto";
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import * as v from "valibot";
import { onDisk, writeAt } from "../core/files/disk.ts";
import { safetensorsHeader } from "../formats/safetensors/write.ts";
import { TOWER_PREFIX } from "./names.ts";
import type { Tower } from "./tower.ts";

const DURABLE_BYTES = 64 * 1024 * 1024;

export interface CopyTowerOptions {
  readonly tower: Tower;
  /** Names of the tensors that are needed, as a FlashSloth has them. */
  readonly names: readonly string[];
  /** The new file, which appears whole; beside it, while under way: `.part` and `.part.json`. */
  readonly path: string;
  /** So much is written before the disk is waited for, and may be copied again after a power cut. @default 64 MiB */
  readonly durableBytes?: number | undefined;
  /** Told how many of the tensors' bytes are there. @default nobody */
  readonly onBytes?: ((done: number) => void) | undefined;
  /** Stops between two tensors. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** What of the copy is safe on the disk, and of which copy. */
interface Progress {
  readonly key: string;
  readonly tensors: number;
}

const progressSchema: v.GenericSchema<unknown, Progress> = v.object({
  key: v.string(),
  tensors: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

/**
 * Writes a vision tower's needed tensors to a safetensors file of their own, in the order in which they lie in theirs, by SigLIP's own
 * names. Goes on where an earlier run stopped.
 * @throws `disk`, what reading the tower throws, the signal's reason
 */
export async function copyTower(options: CopyTowerOptions): Promise<void> {
  const { tower, names, path, durableBytes = DURABLE_BYTES, onBytes, signal } = options;
  const tensors = names
    .flatMap((from) => {
      const tensor = tower.tensors.get(from);
      return tensor === undefined ? [] : { ...tensor, from, name: ownName(from) };
    })
    .sort((a, b) => (a.file === b.file ? a.offset - b.offset : a.file < b.file ? -1 : 1));
  const header = safetensorsHeader(tensors);
  const key = createHash("sha256").update(`${tower.from}\n`).update(header).digest("hex");
  const [part, record] = [`${path}.part`, `${path}.part.json`];
  const earlier = await readProgress(record);
  let done = earlier?.key === key ? Math.min(earlier.tensors, tensors.length) : 0;
  let position = header.byteLength;
  for (const { byteLength } of tensors.slice(0, done)) position += byteLength;
  const there = await stat(part).catch(() => undefined);
  if (there === undefined || there.size < position) [done, position] = [0, header.byteLength];

  const handle = await onDisk(part, open(part, done === 0 ? "w" : "r+"));
  try {
    if (done === 0) await writeAt(part, handle, header, 0);
    let durable = position;
    onBytes?.(position - header.byteLength);
    for (const { from } of tensors.slice(done)) {
      signal?.throwIfAborted();
      const bytes = await tower.read(from);
      await writeAt(part, handle, bytes, position);
      position += bytes.byteLength;
      done += 1;
      onBytes?.(position - header.byteLength);
      if (position - durable < durableBytes) continue;
      await onDisk(part, handle.sync());
      await onDisk(record, writeFile(record, JSON.stringify({ key, tensors: done } satisfies Progress)));
      durable = position;
    }
    await onDisk(part, handle.truncate(position));
    await onDisk(part, handle.sync());
  } finally {
    await handle.close();
  }
  await onDisk(path, rename(part, path));
  await rm(record, { force: true });
}

function ownName(name: string): string {
  return name.startsWith(TOWER_PREFIX) ? name.slice(TOWER_PREFIX.length) : name;
}

async function readProgress(path: string): Promise<Progress | undefined> {
  try {
    const parsed = v.safeParse(progressSchema, JSON.parse(await readFile(path, "utf8")));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined; // absent or damaged: the copy begins anew
  }
}
