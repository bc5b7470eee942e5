import type { OnStoreProgress } from "../progress.ts";

/** The rate is that of the last seconds: a hotel's network changes its mind often. */
const WINDOW_MS = 5000;
/** Often enough for a smooth bar, rare enough to cost nothing. */
const REPORT_MS = 200;

/** Adds up what several files have on disk, and how fast more arrives. */
export class DownloadMeter {
  /** bytes that came over the network in this run */
  received = 0;
  readonly #onProgress: OnStoreProgress | undefined;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #onDisk = new Map<string, number>();
  #samples: { readonly at: number; readonly received: number }[] = [];
  #reported = 0;

  /** @param sizes bytes of every file, by its path */
  constructor(sizes: ReadonlyMap<string, number>, onProgress?: OnStoreProgress) {
    this.#sizes = sizes;
    this.#onProgress = onProgress;
  }

  /** Bytes of one file that are on the disk. */
  set(path: string, onDisk: number): void {
    this.#onDisk.set(path, onDisk);
    this.report(performance.now());
  }

  /** Tells where the download stands, at most every 200 ms unless `now` is infinite. */
  report(now: number): void {
    if (now - this.#reported < REPORT_MS) return;
    const at = Number.isFinite(now) ? now : performance.now();
    this.#reported = at;
    this.#samples = [
      ...this.#samples.filter((sample) => at - sample.at <= WINDOW_MS),
      { at, received: this.received },
    ];
    const first = this.#samples[0];
    const elapsed = first === undefined ? 0 : at - first.at;
    const rate = elapsed === 0 ? 0 : ((this.received - (first?.received ?? 0)) * 1000) / elapsed;
    let [done, total, filesDone] = [0, 0, 0];
    for (const [path, size] of this.#sizes) {
      const onDisk = this.#onDisk.get(path) ?? 0;
      done += onDisk;
      total += size;
      if (onDisk === size) filesDone += 1;
    }
    const secondsLeft = rate === 0 ? undefined : (total - done) / rate;
    this.#onProgress?.({
      stage: "download",
      done,
      total,
      rate,
      secondsLeft,
      filesDone,
      files: this.#sizes.size,
    });
  }
}
