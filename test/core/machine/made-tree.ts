import type { System } from "../../../src/core/machine/system.ts";

/** A Linux whose files are these. */
export function linux(files: Readonly<Record<string, string>>): Pick<System, "platform" | "read"> {
  return {
    platform: "linux",
    read: async (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
      return text;
    },
  };
}

/** The kernel's files about a machine's processors. */
export function processors(options: {
  /** of each core, the numbers of its hardware threads */
  readonly cores: readonly (readonly number[])[];
  readonly allowed: string;
  /** @default all */
  readonly online?: string;
}): Record<string, string> {
  const { cores, allowed } = options;
  const all = cores.flat();
  const siblings = cores.flatMap((core) =>
    core.map((cpu) => [
      `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`,
      `${core.join(",")}\n`,
    ]),
  );
  return {
    "/proc/self/status": `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}\nMems_allowed:\t1\n`,
    "/sys/devices/system/cpu/online": `${options.online ?? all.sort((a, b) => a - b).join(",")}\n`,
    ...Object.fromEntries<string>(siblings.map(([path = "", text = ""]) => [path, text])),
  };
}
