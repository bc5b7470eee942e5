/** No machine has more processors than this; a longer range is not one that a kernel wrote. */
const MOST_PROCESSORS = 65_536;

/**
 * Reads the kernel's form of a set of processors: `0-3,8,10-11`.
 * @returns their numbers, ascending; undefined for text that is not of this form
 */
export function parseCpuList(text: string): number[] | undefined {
  const numbers = new Set<number>();
  for (const part of text.trim().split(",")) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || from > to || to >= MOST_PROCESSORS) return undefined;
    for (let cpu = from; cpu <= to; cpu++) numbers.add(cpu);
  }
  return [...numbers].sort((a, b) => a - b);
}
