import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ConversionRequest } from "../../../src/store/converter.ts";
import { storePaths, type StorePaths } from "../../../src/store/home.ts";
import type { Patience } from "../../../src/store/hub/retry.ts";
import type { StoreProgress } from "../../../src/store/progress.ts";
import { pullModel, type PulledModel, type PullOptions } from "../../../src/store/pull.ts";
import { shardedRepository } from "../../hub/checkpoint-files.ts";
import { HubServer, type HubServerOptions } from "../../hub/server.ts";
import { fillToolCache, type ToolCacheOptions } from "../../hub/tool-cache.ts";
import { fakeConverter } from "../fake-converter.ts";
import { scratch } from "../scratch.ts";

/** Impatient, so that a test of patience takes no time. */
const IMPATIENT: Patience = {
  attempts: 4,
  pauseMs: 5,
  longestPauseMs: 20,
  longestRetryAfterMs: 2000,
  stallMs: 300,
  connectMs: 1000,
};

export const REPO = "owner/sloth";
export const SHARD = "model-00001-of-00003.safetensors";
export const SHARD_BYTES = 300_000;

/** A hub with one repository, an empty store, and a home that owes nothing to whoever runs the tests. */
export class HubPlace {
  readonly server: HubServer;
  readonly paths: StorePaths;
  readonly events: StoreProgress[] = [];
  readonly conversions: ConversionRequest[] = [];
  readonly env: Record<string, string>;

  private constructor(server: HubServer, folder: string) {
    this.server = server;
    this.paths = storePaths(join(folder, "store"));
    this.env = { HF_ENDPOINT: server.endpoint, HF_HOME: join(folder, "hf") };
  }

  static async open(options: Partial<HubServerOptions> = {}): Promise<HubPlace> {
    const server = await HubServer.start({
      repo: REPO,
      files: shardedRepository(3, SHARD_BYTES),
      ...options,
    });
    onTestFinished(async () => server.close());
    return new HubPlace(server, await scratch());
  }

  async pull(options: PullOptions = {}): Promise<PulledModel> {
    return pullModel({
      model: `hf:${REPO}`,
      paths: this.paths,
      env: this.env,
      patience: IMPATIENT,
      convert: fakeConverter({ calls: this.conversions }),
      onProgress: (event) => this.events.push(event),
      ...options,
    });
  }

  /** Puts what the server has where the hub's tools keep it. Returns the repository's folder there. */
  async fillToolCache(options: Omit<ToolCacheOptions, "server" | "env"> = {}): Promise<string> {
    return fillToolCache({ server: this.server, env: this.env, ...options });
  }

  notes(): string[] {
    return this.events.flatMap((event) => (event.stage === "note" ? [event.message] : []));
  }

  /** Every file and folder of the store, other than what is in a complete model. */
  async strays(): Promise<string[]> {
    const { home, models } = this.paths;
    const all = await readdir(home, { recursive: true });
    const model = /^models\/[^./][^/]*(?:\/|$)/;
    const roots = new Set(["models", "downloads", "locks", "checkpoints"]);
    return models === "" ? [] : all.filter((path) => !roots.has(path) && !model.test(path));
  }
}
