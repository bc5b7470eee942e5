import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Processes, processesHere, UNKNOWN_START } from "../../../src/core/machine/process-identity.ts";
import { thisSystem, type System } from "../../../src/core/machine/system.ts";
import { machine } from "./machines.ts";

/** Whether a process of one machine runs, as another one sees it. */
async function seen(from: System, of: System): Promise<boolean | undefined> {
  return await new Processes(from).isRunning(await new Processes(of).self());
}

function windows(options: Parameters<typeof machine>[0]): System {
  return machine({ platform: "win32", ...options });
}

describe.each(["linux", "darwin"] as const)("processes on %s", (platform) => {
  const here = machine({ platform, boot: "b1", pid: 1 });
  const running = (started: string, zombies: readonly number[] = []): System =>
    machine({ platform, boot: "b1", pid: 2, running: new Map([[1, started]]), zombies });

  it("are known by number and start", async () => {
    expect(await seen(running("100"), here)).toBe(true);
    expect(await seen(running("101"), here)).toBe(false);
    expect(await seen(machine({ platform, boot: "b1", pid: 2 }), here)).toBe(false);
  });

  it("do not run as zombies", async () => {
    expect(await seen(running("100", [1]), here)).toBe(false);
  });

  it("are unknown from another machine of that name, and from this one started anew", async () => {
    expect(await seen(machine({ platform, boot: "b2" }), here)).toBeUndefined();
  });

  it("keep their identity when the host is renamed", async () => {
    const renamed = { ...running("100"), hostname: () => "other" };
    expect(await seen(renamed, here)).toBe(true);
  });

  it("are unknown to everyone else where no start of the machine is told", async () => {
    const silent = machine({ platform, pid: 1 });
    expect(await seen(silent, silent)).toBeUndefined();
    const processes = new Processes(silent);
    expect(await processes.isRunning(await processes.self())).toBe(true);
  });

  it("are found by number alone where their start is hidden", async () => {
    const hidden = async (path: string): Promise<string> =>
      path.endsWith("/stat") ? Promise.reject(new Error("hidden")) : here.read(path);
    const output = async (command: string): Promise<string> =>
      command === "ps" ? Promise.reject(new Error("no ps")) : here.output(command, []);
    expect(await seen({ ...running("100"), read: hidden, output }, here)).toBe(true);
    expect(await seen({ ...machine({ platform, boot: "b1", pid: 2 }), read: hidden, output }, here)).toBe(
      false,
    );
  });
});

describe("processes in containers", () => {
  it("are unknown outside, on the same kernel too", async () => {
    const inside = machine({ boot: "b1", pid: 1, space: "pid:[4026532001]" });
    expect(await seen(machine({ boot: "b1", pid: 2 }), inside)).toBeUndefined();
  });

  it("are unknown where the process number space is not told", async () => {
    const inside = machine({ boot: "b1", pid: 1, space: "" });
    expect(await seen(inside, inside)).toBeUndefined();
  });
});

describe("processes on Windows", () => {
  const here = windows({ pid: 1, uptimeMs: 3_600_000 });

  it("are known by number", async () => {
    expect((await new Processes(here).self()).started).toBe(UNKNOWN_START);
    expect(await seen(windows({ pid: 2, uptimeMs: 3_600_000, running: new Map([[1, ""]]) }), here)).toBe(
      true,
    );
    expect(await seen(windows({ pid: 2, uptimeMs: 3_600_000 }), here)).toBe(false);
  });

  it("are unknown from another machine, of that name too unless both started in the same minute", async () => {
    expect(await seen(windows({ uptimeMs: 3_600_000, hostname: "other" }), here)).toBeUndefined();
    expect(await seen(windows({ uptimeMs: 3_480_000 }), here)).toBeUndefined();
  });
});

describe("processes of this machine", () => {
  const mac: System = {
    ...thisSystem,
    platform: "darwin",
    output: async (command, args) => (command === "ps" ? thisSystem.output(command, args) : "one start"),
  };

  it.each([
    ["as this platform has it", processesHere],
    ["by ps, as on macOS", new Processes(mac)],
    ["by number, as on Windows", new Processes({ ...thisSystem, platform: "win32" })],
  ])("are seen to run and to end, %s", async (_, processes) => {
    const self = await processes.self();
    expect(await processes.isRunning(self)).toBe(true);
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    expect(await processes.isRunning({ ...self, pid: child.pid ?? 0 })).toBe(false);
  });

  it.skipIf(process.platform === "win32")("do not run as zombies", async () => {
    // a shell that starts a child and never asks what became of it
    const parent = spawn("bash", ["-c", "sleep 0.01 & echo $!; exec sleep 5"]);
    const [output] = (await once(parent.stdout, "data")) as [Buffer];
    await sleep(200);
    for (const processes of [processesHere, new Processes(mac)]) {
      const zombie = { ...(await processes.self()), pid: Number(output.toString()) };
      expect(await processes.isRunning(zombie)).toBe(false);
    }
    parent.kill();
  });
});
