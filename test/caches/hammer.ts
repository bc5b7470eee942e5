import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { DiskCache } from "../../src/caches/disk-cache.ts";
import { entryValue, HAMMER_KEYS, HAMMERED_BYTES } from "./entry-value.ts";

/*
 * One of several processes that read, write and evict in one folder: `hammer.mjs FOLDER SEED ROUNDS [vandal]`. A vandal damages
 * files as it goes. Prints a line when it is at work and how often it found an entry at last; ends with an error at the first wrong value.
 */
const [directory = "", seed = "1", rounds = "1", manner] = process.argv.slice(2);
const cache = new DiskCache({ directory, maxBytes: HAMMERED_BYTES });
let state = Number(seed);
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

async function damageOne(): Promise<void> {
  const names = await readdir(directory);
  const name = names[random(names.length)];
  if (name === undefined) return;
  const file = await open(join(directory, name), "r+");
  const { size } = await file.stat();
  if (random(2) === 0) await file.truncate(random(size));
  else await file.write(Uint8Array.of(random(256)), 0, 1, random(size));
  await file.close();
}

let hits = 0;
for (let round = 0; round < Number(rounds); round++) {
  const part = random(HAMMER_KEYS);
  const key = { model: "m", parts: [part] };
  const found = await cache.read(key);
  if (found !== undefined) {
    hits++;
    if (Buffer.compare(found, entryValue(part)) !== 0) throw new Error(`a wrong value for ${part}`);
  } else if (random(3) === 0) void cache.write(key, [entryValue(part)]);
  else await cache.write(key, [entryValue(part).subarray(0, 100), entryValue(part).subarray(100)]);
  if (round === 0) process.stdout.write("\n");
  if (manner === "vandal" && random(4) === 0) await damageOne().catch(() => undefined);
}
await cache.written;
process.stdout.write(`${hits}\n`);
