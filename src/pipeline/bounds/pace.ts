/** How much of a run may be under way at once. */
export interface Pace {
  /** places in the engine: one for each question with it, and for a picture that is being encoded */
  readonly places: number;
  /** outcomes that may be under way or wait for an earlier one, from the first that was not taken yet */
  readonly window: number;
  /** pictures that get ready before it is their turn */
  readonly ahead: number;
}

/** The engine does not say yet how many questions it works on: one picture is asked about, another is encoded. */
export const BEFORE_READY: Pace = { places: 2, window: 2, ahead: 1 };

/** While one long answer holds its record back, each other sequence may give so many: captions differ in length by less. */
const OVERTAKING = 16;
/**
 * What decodes pictures is libuv's pool, which has four threads; as many again are ready then, so that small ones, which take
 * next to no time to encode, go into the engine together.
 */
const MOST_AHEAD = 8;

/**
 * What keeps an engine busy that works on `parallel` questions at once. One question at a time means: one after the other, and
 * none before the answer to the last one was taken. Several leave a place for the next picture, which is encoded meanwhile.
 */
export function paceOf(parallel: number): Pace {
  return {
    places: parallel === 1 ? 1 : parallel + 1,
    window: 1 + (parallel - 1) * OVERTAKING,
    ahead: Math.min(parallel, MOST_AHEAD),
  };
}
