import { describe, expect, it } from "vitest";
import { parseCpuList } from "../../../src/core/machine/cpu-list.ts";
import { usableCores } from "../../../src/core/machine/processors.ts";
import { linux, processors } from "./made-tree.ts";

const FOUR_CORES = [
  [0, 4],
  [1, 5],
  [2, 6],
  [3, 7],
];

describe("the kernel's lists of processors", () => {
  it.each([
    ["0", [0]],
    ["0-3", [0, 1, 2, 3]],
    ["8,0-1,10-11\n", [0, 1, 8, 10, 11]],
    ["0-1,1-2", [0, 1, 2]],
  ])("%j", (text, numbers) => {
    expect(parseCpuList(text)).toEqual(numbers);
  });

  it.each(["", "\n", "a", "3-1", "0-", "-1", "0,,1", "0-99999999999", "1.5"])("%j is none", (text) => {
    expect(parseCpuList(text)).toBeUndefined();
  });
});

/** Four cores, and a cgroup with a quota of time. */
function withQuota(max: string): Record<string, string> {
  return {
    ...processors({ cores: FOUR_CORES, allowed: "0-7" }),
    "/proc/self/cgroup": "0::/pod\n",
    "/proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    "/sys/fs/cgroup/pod/cpu.max": max,
  };
}

async function coresWith(max: string): Promise<number> {
  return await usableCores({ system: linux(withQuota(max)), available: 8 });
}

describe("the cores that a process may use", () => {
  it("are counted once, however many hardware threads they have", async () => {
    const files = processors({ cores: FOUR_CORES, allowed: "0-7" });
    expect(await usableCores({ system: linux(files), available: 8 })).toBe(4);
  });

  it("are those of its cpuset, which need not begin at 0", async () => {
    const cores = Array.from({ length: 64 }, (_, core) => [core, core + 64]);
    const other = processors({ cores, allowed: "40-43,104-107" });
    expect(await usableCores({ system: linux(other), available: 8 })).toBe(4);
    const halves = processors({ cores: FOUR_CORES, allowed: "2,5,7" });
    expect(await usableCores({ system: linux(halves), available: 3 })).toBe(3);
  });

  it("are there: a process without limits is allowed processors that are not", async () => {
    const files = processors({ cores: FOUR_CORES, allowed: "0-127", online: "0-7" });
    expect(await usableCores({ system: linux(files), available: 8 })).toBe(4);
  });

  it("are no more than the quota keeps busy, and never none", async () => {
    expect(await coresWith("200000 100000\n")).toBe(2);
    expect(await coresWith("350000 100000\n")).toBe(3);
    expect(await coresWith("20000 100000\n")).toBe(1);
    expect(await coresWith("900000 100000\n")).toBe(4);
  });

  it("are Node's count where the kernel says nothing, and elsewhere", async () => {
    expect(await usableCores({ system: linux({}), available: 6 })).toBe(6);
    const broken = linux({ "/proc/self/status": "Cpus_allowed_list:\tnonsense\n" });
    expect(await usableCores({ system: broken, available: 6 })).toBe(6);
    const full = processors({ cores: FOUR_CORES, allowed: "0-7" });
    expect(await usableCores({ system: { ...linux(full), platform: "darwin" }, available: 6 })).toBe(6);
  });
});
