import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { sweepDeadClaims, withLock } from "../../../src/core/files/lock.ts";
import { processesHere, type ProcessIdentity } from "../../../src/core/machine/process-identity.ts";
import { scratch } from "../../store/scratch.ts";

function claimOf(owner: ProcessIdentity, key = "model"): string {
  const { host, boot, pid, started } = owner;
  return `${key}.${host}-${boot}-${pid}-${started}-0123456789ab.lock`;
}

describe("the lock", () => {
  it("lets one task in at a time, and tells the others whom they wait for", async () => {
    const directory = await scratch();
    let inside = 0;
    let most = 0;
    const waitedFor: number[] = [];
    const tasks = Array.from({ length: 5 }, async () =>
      withLock({ directory, key: "model", onWait: ({ pid }) => waitedFor.push(pid) }, async () => {
        most = Math.max(most, ++inside);
        await sleep(5);
        inside -= 1;
      }),
    );
    await Promise.all(tasks);
    expect(most).toBe(1);
    expect(waitedFor).toEqual([process.pid, process.pid, process.pid, process.pid]);
    expect(await readdir(directory)).toEqual([]);
  });

  it("keeps different keys apart", async () => {
    const directory = await scratch();
    await withLock({ directory, key: "one" }, async () =>
      withLock({ directory, key: "one.two" }, async () => {
        expect(await readdir(directory)).toHaveLength(2);
      }),
    );
  });

  it("is released when the task throws", async () => {
    const directory = await scratch();
    const failing = withLock({ directory, key: "model" }, async () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    expect(await withLock({ directory, key: "model" }, async () => 7)).toBe(7);
  });

  it("stops waiting when told to", async () => {
    const directory = await scratch();
    await withLock({ directory, key: "model" }, async () => {
      const signal = AbortSignal.timeout(50);
      await expect(withLock({ directory, key: "model", signal }, async () => 1)).rejects.toThrow("aborted");
    });
  });

  it("is not held by a process that died, nor by another one with its number", async () => {
    const directory = await scratch();
    const self = await processesHere.self();
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    await writeFile(join(directory, claimOf({ ...self, pid: child.pid ?? 0 })), "");
    await writeFile(join(directory, claimOf({ ...self, started: "deadbeef" })), "");
    expect(await withLock({ directory, key: "model" }, async () => 7)).toBe(7);
    expect(await readdir(directory)).toEqual([]);
  });

  it("is held by a living process", async () => {
    const directory = await scratch();
    const self = await processesHere.self();
    await writeFile(join(directory, claimOf(self)), "");
    const signal = AbortSignal.timeout(300);
    await expect(withLock({ directory, key: "model", signal }, async () => 7)).rejects.toThrow("aborted");
  });

  it("leaves nothing of the dead behind, and touches nothing else", async () => {
    const directory = await scratch();
    const self = await processesHere.self();
    await writeFile(join(directory, claimOf({ ...self, started: "deadbeef" }, "a@b")), "");
    await writeFile(join(directory, claimOf(self, "c")), "");
    await writeFile(join(directory, "notes.txt"), "");
    await sweepDeadClaims(directory);
    expect((await readdir(directory)).sort()).toEqual([claimOf(self, "c"), "notes.txt"].sort());
  });
});
