import type { EncodedPicture } from "../engine/api.ts";
import type { Prepared } from "./bounds/ahead.ts";
import type { Job } from "./job.ts";
import { pictureFailure } from "./outcome.ts";
import { askEach, type Asking } from "./questions.ts";
import type { Before } from "./records.ts";

/** A job whose turn it is: it has a place in the engine. */
export interface ReadyJob {
  readonly job: Job;
  /** its first outcome's position */
  readonly first: number;
  readonly prepared: Prepared;
}

/** Encodes a picture, unless it is in the engine already, asks every question about it, and lets it go. */
export async function lookAndAsk(asking: Asking, ready: ReadyJob): Promise<void> {
  const { pictures, places, window, options } = asking;
  const { job, first } = ready;
  let looked: Looked;
  try {
    looked = await look(asking, ready.prepared);
  } catch (error) {
    void places.encoded();
    places.leave();
    const reason = await asking.reasonOf(error);
    if (reason !== undefined) window.put(first, pictureFailure(job, reason, options.model));
    return;
  }
  const { vision } = looked.picture.ms;
  await places.encoded(vision > 0 ? vision : undefined); // one that is in the engine already does not tell how long others take
  await askEach(asking, { job, first, ...looked });
  // the outcomes stand, whatever becomes of the memory behind them
  await pictures.release(looked.picture).catch(() => {});
}

interface Looked {
  readonly picture: EncodedPicture;
  readonly paid: Before;
  readonly loads: boolean;
  readonly spentMs: number;
}

async function look(asking: Asking, prepared: Prepared): Promise<Looked> {
  const { pictures, places, claimLoad, signal, now } = asking;
  const start = now();
  const begunAlone = places.taken === 1;
  const picture = await pictures.encode(prepared.picture, { signal });
  const { wait, vision } = picture.ms;
  const spentMs = now() - start - wait;
  const alone = begunAlone && places.taken === 1;
  const queue = alone ? 0 : Math.max(0, spentMs - vision);
  const load = claimLoad();
  const own = prepared.ms + spentMs;
  const paid: Before =
    load === undefined
      ? { load: 0, encode: own, wait: 0, vision, queue }
      : { load, encode: own + wait, wait, vision, queue };
  return { picture, paid, loads: load !== undefined, spentMs };
}
