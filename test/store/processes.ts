import { spawn, type ChildProcess } from "node:child_process";
import { readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { storePaths, type StorePaths } from "../../src/store/home.ts";
import { shardedDemo } from "../hub/checkpoint-files.ts";
import { HubServer } from "../hub/server.ts";
import { scratch } from "./scratch.ts";

const BINARY = resolve(import.meta.dirname, "../../bin/flashsloth.js");
export const REPO = "owner/sloth";
export const MODEL: string = `hf:${REPO}`;

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the process has said this on stderr, or ended. */
  says(text: string): Promise<void>;
}

/** The built program in processes of its own, with a hub and a store. Its weights are real: what is pulled can be converted. */
export class ProcessPlace {
  readonly server: HubServer;
  readonly paths: StorePaths;
  readonly env: Record<string, string>;

  private constructor(server: HubServer, folder: string) {
    this.server = server;
    this.paths = storePaths(join(folder, "store"));
    const { PATH = "", HOME = "" } = process.env;
    this.env = {
      PATH,
      HOME,
      FLASHSLOTH_HOME: this.paths.home,
      HF_ENDPOINT: server.endpoint,
      HF_HOME: join(folder, "hf"),
    };
  }

  static async open(bytesPerSecond: number): Promise<ProcessPlace> {
    const server = await HubServer.start({ repo: REPO, files: await shardedDemo(4), bytesPerSecond });
    onTestFinished(async () => server.close());
    return new ProcessPlace(server, await scratch());
  }

  start(...words: readonly string[]): Running {
    const child = spawn(process.execPath, [BINARY, ...words], { env: this.env });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<Ended>((done, failed) => {
      child.on("error", failed);
      child.on("close", (status, signal) => done({ status, signal, stdout, stderr }));
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    const says = async (text: string): Promise<void> => {
      const heard = new Promise<void>((done) => {
        const check = (): void => {
          if (stderr.includes(text)) done();
        };
        check();
        child.stderr.on("data", check);
      });
      await Promise.race([heard, ended]);
    };
    return { child, ended, says };
  }

  /** Bytes of every file that the model needs. */
  needed(): number {
    const unneeded = new Set([".gitattributes", "pytorch_model.bin", "assets/teaser.png"]);
    return [...this.server.files]
      .filter(([path]) => !unneeded.has(path))
      .reduce((sum, [, { bytes }]) => sum + bytes.byteLength, 0);
  }

  /** What of each file is on the disk of an unfinished download; `whole` ones were verified. */
  async fetched(): Promise<Map<string, { readonly bytes: number; readonly whole: boolean }>> {
    const found = new Map<string, { bytes: number; whole: boolean }>();
    for (const folder of await readdir(this.paths.downloads).catch(() => [])) {
      for (const file of await readdir(join(this.paths.downloads, folder))) {
        if (file.endsWith(".etag")) continue;
        const there = await stat(join(this.paths.downloads, folder, file)).catch(() => undefined);
        if (there === undefined) continue; // renamed just now
        const name = file.replace(/\.part$/, "");
        found.set(name, { bytes: there.size, whole: name === file });
      }
    }
    return found;
  }

  /** Everything in the store's folders by their names, without what is inside a complete model. */
  async contents(): Promise<string[]> {
    const found: string[] = [];
    for (const folder of await readdir(this.paths.home).catch(() => [])) {
      for (const entry of await readdir(join(this.paths.home, folder))) found.push(`${folder}/${entry}`);
    }
    return found;
  }

  async empty(): Promise<void> {
    await rm(this.paths.home, { recursive: true, force: true });
    this.server.requests.length = 0;
  }
}
