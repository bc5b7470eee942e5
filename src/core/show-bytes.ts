const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes in the decimal units of disks and networks, three digits: `6.43 GB`, `12.0 MB`, `512 B`. */
export function showBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? "B"}`;
}
