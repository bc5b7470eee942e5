import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheUsage, clearCache, type CacheUsage } from "../caches/entries.ts";
import { languageKey, visionKey } from "../caches/keys.ts";
import type { Manifest } from "../core/model/manifest.ts";
import { storePaths, type StorePaths } from "./home.ts";
import { namesIn } from "./installed.ts";

const CACHES = ["prompts", "features", "prefixes", "verdicts"] as const;
export type CacheName = (typeof CACHES)[number];

/** What each cache holds. */
export async function cachesUsage(paths: StorePaths = storePaths()): Promise<Map<CacheName, CacheUsage>> {
  const usage = new Map<CacheName, CacheUsage>();
  for (const name of CACHES) usage.set(name, await cacheUsage(paths[name]));
  return usage;
}

/** Empties every cache. Processes that use one compute anew what they miss. @throws `disk` */
export async function clearCaches(paths: StorePaths = storePaths()): Promise<void> {
  for (const name of CACHES) await clearCache(paths[name]);
  await removeOldPrompts(paths);
}

/** What was kept for a model goes with it. @throws `disk` */
export async function forgetModel(manifest: Manifest | undefined, paths: StorePaths): Promise<void> {
  for (const model of manifest === undefined ? [] : [languageKey(manifest), visionKey(manifest)]) {
    if (model !== undefined) for (const name of CACHES) await clearCache(paths[name], model);
  }
  await removeOldPrompts(paths);
}

/** Takes away what earlier releases kept of prompts, in a folder beside the models. */
async function removeOldPrompts({ home }: StorePaths): Promise<void> {
  const folder = join(home, "prompts");
  const kept = (await namesIn(folder)).filter((name) => /^[0-9a-f]{16}-[0-9a-f]{16}\.kv$/.test(name));
  for (const name of kept) await rm(join(folder, name), { force: true });
  await rmdir(folder).catch(() => undefined); // not there, or not ours alone
}
