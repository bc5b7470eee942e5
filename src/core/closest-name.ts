import { editDistance } from "./edit-distance.ts";

/** Fewer letters begin too many names to mean one of them. */
const SHORTEST_BEGINNING = 3;

/** The one of `names` that `text` was most likely meant to be: it begins so, or is near in spelling. */
export function closestName(text: string, names: readonly string[]): string | undefined {
  const wanted = text.toLowerCase();
  const longer = wanted.length >= SHORTEST_BEGINNING && names.find((name) => name.startsWith(wanted));
  if (longer) return longer;
  let best: string | undefined;
  let bestDistance = Math.ceil(Math.min(wanted.length, 64) * 0.4) + 1;
  for (const name of names) {
    const distance = editDistance(wanted.slice(0, 64), name);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}
