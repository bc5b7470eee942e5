import { describe, expect, it } from "vitest";
import { cpuQuota } from "../../../src/core/machine/cgroup.ts";
import { linux } from "./made-tree.ts";

const V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const V1 =
  "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n" +
  "32 31 0:29 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n" +
  "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup rw,cpu,cpuacct\n";

async function quota(
  cgroup: string,
  mountinfo: string,
  files: Readonly<Record<string, string>>,
): Promise<number> {
  return await cpuQuota(linux({ "/proc/self/cgroup": cgroup, "/proc/self/mountinfo": mountinfo, ...files }));
}

describe("the cgroups' quota of time", () => {
  it("is none where no cgroup has one, and where nothing can be read", async () => {
    expect(await cpuQuota(linux({}))).toBe(Infinity);
    const files = { "/sys/fs/cgroup/a/cpu.max": "max 100000\n" };
    expect(await quota("0::/a\n", V2, files)).toBe(Infinity);
    const none = { "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n" };
    expect(await quota("3:cpu,cpuacct:/\n", V1, none)).toBe(Infinity);
  });

  it("is read from cgroup v2", async () => {
    expect(await quota("0::/pod\n", V2, { "/sys/fs/cgroup/pod/cpu.max": "150000 100000\n" })).toBe(1.5);
  });

  it("is the least of a cgroup's own and of all above it", async () => {
    const files = {
      "/sys/fs/cgroup/pods/cpu.max": "200000 100000\n",
      "/sys/fs/cgroup/pods/one/cpu.max": "400000 100000\n",
      "/sys/fs/cgroup/pods/one/c/cpu.max": "max 100000\n",
    };
    expect(await quota("0::/pods/one/c\n", V2, files)).toBe(2);
  });

  it("is read from cgroup v1, beside a v2 without controllers", async () => {
    const mounts = `${V1}34 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`;
    const files = {
      "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "300000\n",
      "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/job/cpu.cfs_quota_us": "100000\n",
      "/sys/fs/cgroup/memory/job/cpu.cfs_period_us": "100000\n",
    };
    expect(await quota("7:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/\n", mounts, files)).toBe(
      3,
    );
  });

  it("is found in a container, which sees its own cgroup as the topmost", async () => {
    const mounts = "40 31 0:30 /docker/4f /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
    const files = {
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    };
    expect(await quota("4:cpu:/docker/4f\n", mounts, files)).toBe(0.5);
    // also when it was moved to where this mount does not reach
    expect(await quota("4:cpu:/docker/5a\n", mounts, files)).toBe(0.5);
    const v2 = { "/sys/fs/cgroup/cpu.max": "250000 100000\n" };
    expect(await quota("0::/../..\n", V2, v2)).toBe(2.5);
  });

  it("is found below a mount point with a blank in its name", async () => {
    const mounts = "30 23 0:26 / /mnt/my\\040groups rw - cgroup2 none rw\n";
    expect(await quota("0::/a\n", mounts, { "/mnt/my groups/a/cpu.max": "100000 50000\n" })).toBe(2);
  });
});
