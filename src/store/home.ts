import { homedir } from "node:os";
import { join, isAbsolute, resolve } from "node:path";

/** The folders of the store. None of them need exist yet. */
export interface StorePaths {
  readonly home: string;
  /** converted models, one folder each */
  readonly models: string;
  /** checkpoints under way, `OWNER--REPO@commit` */
  readonly downloads: string;
  /** checkpoints that a user asked to keep, named alike */
  readonly checkpoints: string;
  /** KV caches of the text that every prompt begins with */
  readonly prompts: string;
  /** what vision encoders made of pictures */
  readonly features: string;
  /** KV caches of prompts up to their picture's end */
  readonly prefixes: string;
  /** what was typed in chats, a file */
  readonly chatHistory: string;
  /** which devices compute what the CPU does */
  readonly verdicts: string;
  /** claims of running processes */
  readonly locks: string;
}

export interface StoreHomeOptions {
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** @default process.platform */
  readonly platform?: NodeJS.Platform | undefined;
  /** The user's home folder. @default os.homedir() */
  readonly userHome?: string | undefined;
}

/**
 * Where models live: `$FLASHSLOTH_HOME`, else `$XDG_CACHE_HOME/flashsloth` (an absolute one, as that standard asks),
 * else the platform's own place for caches.
 */
export function storeHome(options: StoreHomeOptions = {}): string {
  const { env = process.env, platform = process.platform, userHome = homedir() } = options;
  const own = env["FLASHSLOTH_HOME"];
  if (own !== undefined && own !== "") return resolve(own);
  const xdg = env["XDG_CACHE_HOME"];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "flashsloth");
  if (platform === "darwin") return join(userHome, "Library", "Caches", "flashsloth");
  if (platform === "win32") {
    return join(env["LOCALAPPDATA"] ?? join(userHome, "AppData", "Local"), "flashsloth", "Cache");
  }
  return join(userHome, ".cache", "flashsloth");
}

/** The store's folders under `home`. */
export function storePaths(home: string = storeHome()): StorePaths {
  return {
    home,
    models: join(home, "models"),
    downloads: join(home, "downloads"),
    checkpoints: join(home, "checkpoints"),
    prompts: join(home, "caches", "prompts"),
    features: join(home, "caches", "features"),
    prefixes: join(home, "caches", "prefixes"),
    chatHistory: join(home, "chat-history"),
    verdicts: join(home, "caches", "verdicts"),
    locks: join(home, "locks"),
  };
}
