import { readFileSync } from "node:fs";

/** What Linux says of this machine's processor, with spaces between; empty on other systems. */
export function processorFlags(): string {
  try {
    const text = readFileSync("/proc/cpuinfo", "utf8");
    return /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1] ?? "";
  } catch {
    return "";
  }
}
