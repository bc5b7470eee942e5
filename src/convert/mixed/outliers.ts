/** A channel sticks out when it reaches so many times as far as those just below the largest. */
const FAR = 2;
/** Of so many channels at most one is computed apart: each costs a product of its own. */
const SPARSE = 64;

/**
 * The channels whose values reach so much further than the others' that rounding by a common range would serve them alone.
 * @param reach the largest absolute value of each channel
 * @returns ascending
 */
export function channelsApart(reach: Float32Array): number[] {
  const limit = Math.floor(reach.length / SPARSE);
  const ordered = [...reach.keys()].sort((a, b) => (reach[b] ?? 0) - (reach[a] ?? 0));
  const usual = reach[ordered[limit] ?? 0] ?? 0;
  const far = ordered.slice(0, limit).filter((channel) => (reach[channel] ?? 0) > FAR * usual);
  return far.sort((a, b) => a - b);
}
