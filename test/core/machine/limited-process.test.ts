import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cpuQuota } from "../../../src/core/machine/cgroup.ts";
import { usableCores } from "../../../src/core/machine/processors.ts";
import { thisSystem } from "../../../src/core/machine/system.ts";

/** Whether `taskset` of util-linux is here, and there is something that it could take away. */
const binds = process.platform === "linux" && existsSync("/usr/bin/taskset") && availableParallelism() > 1;

function taskset(list: string): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", list, `${process.pid}`], {
    stdio: "ignore",
  });
}

/** Where cgroups that limit time can be made, the file that limits it, and which line of `/proc/self/cgroup` is theirs. */
const HIERARCHIES = [
  { top: "/sys/fs/cgroup/cpu", file: "cpu.cfs_quota_us", half: "50000", line: /^\d+:cpu:(.*)$/m },
  { top: "/sys/fs/cgroup", file: "cpu.max", half: "50000 100000", line: /^0::(.*)$/m },
];

/** The folders of a cgroup with half a processor's time, of one in it, and of this process's own; undefined where none can be made. */
function makeCgroup(): { readonly outer: string; readonly inner: string; readonly own: string } | undefined {
  for (const { top, file, half, line } of HIERARCHIES) {
    const outer = join(top, `flashsloth-test-${process.pid}`);
    const inner = join(outer, "inner");
    try {
      mkdirSync(outer);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(outer, file), half);
      mkdirSync(inner);
      return {
        outer,
        inner,
        own: join(top, line.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? ""),
      };
    } catch {
      rmdirSync(outer);
    }
  }
  return undefined;
}

describe("a process with limits", () => {
  it.skipIf(!binds)("counts what taskset leaves it", async () => {
    const before = await usableCores();
    const [, all = ""] = /Cpus_allowed_list:\s*(\S+)/.exec(await thisSystem.read("/proc/self/status")) ?? [];
    const [first = "0"] = all.split(/[-,]/);
    try {
      taskset(first);
      expect(await usableCores()).toBe(1);
    } finally {
      taskset(all);
    }
    expect(await usableCores()).toBe(before);
  });

  it("finds the quota of the cgroup above its own", async ({ skip }) => {
    const cgroup = makeCgroup();
    if (cgroup === undefined) return skip("no cgroup with a quota can be made here");
    const { outer, inner, own } = cgroup;
    const before = await cpuQuota(thisSystem);
    try {
      writeFileSync(join(inner, "cgroup.procs"), `${process.pid}`);
      expect(await cpuQuota(thisSystem)).toBe(0.5);
      expect(await usableCores()).toBe(1);
    } finally {
      writeFileSync(join(own, "cgroup.procs"), `${process.pid}`);
      rmdirSync(inner);
      rmdirSync(outer);
    }
    expect(await cpuQuota(thisSystem)).toBe(before);
  });
});
