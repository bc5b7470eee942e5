import { mkdir, readdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sweepDeadClaims, withLock } from "../../../src/core/files/lock.ts";
import { Processes } from "../../../src/core/machine/process-identity.ts";
import type { System } from "../../../src/core/machine/system.ts";
import { scratch } from "../../store/scratch.ts";
import { machine } from "../machine/machines.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** One folder as two hosts mount it: locks of one process are told apart by the folder's name. */
async function sharedFolder(): Promise<readonly [string, string]> {
  const home = await scratch();
  const [one, other] = [join(home, "locks"), join(home, "mounted")];
  await mkdir(one);
  await symlink(one, other, "junction");
  return [one, other];
}

/** Whether the second host finds the lock free that the first one took, and gave the last sign of `silence` ms ago. */
async function isFree(holder: System, other: System, silence = 0): Promise<boolean> {
  const [here, there] = await sharedFolder();
  return await withLock({ directory: here, key: "model", processes: new Processes(holder) }, async () => {
    const [claim = ""] = await readdir(here);
    const sign = new Date(Date.now() - silence);
    await utimes(join(here, claim), sign, sign);
    const processes = new Processes(other);
    const waiting = { directory: there, key: "model", signal: AbortSignal.abort(), processes };
    try {
      return await withLock(waiting, async () => true);
    } catch (error) {
      expect(error).toMatchObject({ name: "AbortError" });
      // nor does tidying up take it away
      await sweepDeadClaims(there, processes);
      expect(await readdir(here)).toEqual([claim]);
      return false;
    }
  });
}

describe("a lock in a folder that hosts share", () => {
  describe.each(["linux", "darwin", "win32"] as const)("on %s", (platform) => {
    const host = machine({ platform, boot: "b1", pid: 1000, uptimeMs: 2 * DAY });
    const namesake = machine({ platform, boot: "b2", pid: 2000, uptimeMs: DAY });

    it("is not taken from a living process of another host with the same name", async () => {
      expect(await isFree(host, namesake)).toBe(false);
      expect(await isFree(namesake, host)).toBe(false);
      expect(await isFree(host, namesake, 4 * MINUTE)).toBe(false);
      expect(await isFree(host, namesake, 6 * MINUTE)).toBe(true);
    });

    it("is freed soon after the machine of its holder has started again", async () => {
      const again = machine({ platform, boot: "b2", pid: 1000, uptimeMs: MINUTE });
      expect(await isFree(host, again, MINUTE + 10_000)).toBe(false);
      expect(await isFree(host, again, MINUTE + 40_000)).toBe(true);
      // a sign since then: it was not this machine
      const later = machine({ platform, boot: "b2", pid: 1000, uptimeMs: 4 * MINUTE });
      expect(await isFree(host, later, 3 * MINUTE)).toBe(false);
      // nor was it a host of another name
      expect(await isFree({ ...host, hostname: () => "other" }, again, 2 * MINUTE)).toBe(false);
    });

    it("is free at once when its holder died where that can be seen", async () => {
      const beside = machine({ platform, boot: "b1", pid: 3000, uptimeMs: 2 * DAY });
      expect(await isFree(host, beside)).toBe(true);
    });
  });

  it("is not taken from another container, nor from a host that tells no start", async () => {
    const outside = machine({ boot: "b1", pid: 1000 });
    expect(await isFree(outside, machine({ boot: "b1", pid: 2000, space: "pid:[4026532001]" }))).toBe(false);
    expect(await isFree(machine({ pid: 1000 }), machine({ pid: 2000 }))).toBe(false);
  });

  it("is not held by a number that another process of Windows got after a restart within a minute", async () => {
    const [here] = await sharedFolder();
    const uptimeMs = 30_000;
    const taken = new Processes(
      machine({ platform: "win32", pid: 1, uptimeMs, running: new Map([[2, ""]]) }),
    );
    const { host, boot } = await taken.self();
    const claim = join(here, `model.${host}-${boot}-2-0-0123456789ab.lock`);
    await writeFile(claim, "");
    const before = new Date(Date.now() - uptimeMs - MINUTE);
    await utimes(claim, before, before);
    expect(await withLock({ directory: here, key: "model", processes: taken }, async () => 7)).toBe(7);
  });
});
