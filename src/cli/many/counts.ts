import type { Outcome } from "../../pipeline/outcome.ts";

/** What became of a run's questions, and of how many pictures. */
export class Counts {
  answered = 0;
  failed = 0;
  /** answered by earlier runs */
  skipped = 0;
  /** pictures that this run is through with */
  pictures = 0;
  /** how often each code was what something failed of */
  readonly codes: Map<string, number> = new Map();

  add({ record }: Outcome): void {
    if (!("error" in record)) {
      this.answered++;
      return;
    }
    this.failed++;
    const { code } = record.error;
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
  }
}

/** `198 answered, 2 failed (image-invalid 2), 0 skipped; 3.1 pictures a second` */
export function summaryLine(counts: Counts, seconds: number): string {
  const { answered, failed, skipped, pictures, codes } = counts;
  const reasons = [...codes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, count]) => `${code} ${count}`);
  const why = reasons.length > 0 ? ` (${reasons.join(", ")})` : "";
  const rate = pictures > 0 && seconds > 0 ? `; ${showRate(pictures / seconds)} pictures a second` : "";
  return `${answered} answered, ${failed} failed${why}, ${skipped} skipped${rate}`;
}

/** `0.052`, `3.1`, `42` @param rate a second */
export function showRate(rate: number): string {
  return rate >= 10 ? String(Math.round(rate)) : String(Number(rate.toPrecision(2)));
}
