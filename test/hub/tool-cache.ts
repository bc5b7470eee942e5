import { createHash } from "node:crypto";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gitSha1, type HubServer } from "./server.ts";

export interface ToolCacheOptions {
  readonly server: HubServer;
  readonly env: Readonly<Record<string, string>>;
  /** @default the server's own */
  readonly repo?: string;
  /** a file that is not there. @default none */
  readonly leaveOut?: string;
  /** the snapshot's files are no links to blobs. @default false */
  readonly copies?: boolean;
}

/** Fills the hub tools' cache with what a server has of a repository, as those tools do. Returns the repository's folder in it. */
export async function fillToolCache(options: ToolCacheOptions): Promise<string> {
  const { server, env, repo = server.repo, leaveOut, copies = false } = options;
  const folder = join(env["HF_HOME"] ?? "", "hub", `models--${repo.replaceAll("/", "--")}`);
  const snapshot = join(folder, "snapshots", server.commit);
  for (const path of [snapshot, join(folder, "blobs"), join(folder, "refs")]) {
    await mkdir(path, { recursive: true });
  }
  await writeFile(join(folder, "refs", "main"), server.commit);
  for (const [name, { bytes, lfs }] of server.filesOf(repo)) {
    if (name === leaveOut) continue;
    if (copies) {
      await writeFile(join(snapshot, name), bytes);
      continue;
    }
    const blob = lfs ? createHash("sha256").update(bytes).digest("hex") : gitSha1(bytes);
    await writeFile(join(folder, "blobs", blob), bytes);
    await symlink(join("..", "..", "blobs", blob), join(snapshot, name));
  }
  return folder;
}
