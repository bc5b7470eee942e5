import type { Job, JobSource } from "../pipeline/job.ts";
import { isIn, type Shard } from "../pipeline/sources/shard.ts";
import type { DataFolder } from "./data/folder.ts";
import type { Form, Sample } from "./task.ts";

export interface SamplesOptions {
  readonly form: Form;
  readonly data: DataFolder;
  /** Only so many, the first. @default all */
  readonly limit?: number | undefined;
  /** Only one part of those. @default all */
  readonly shard?: Shard | undefined;
}

export interface Total {
  readonly samples: number;
  /** About how many pictures they are, where those about one follow each other. */
  readonly jobs: number;
  /** Questions that are not asked, as far as the data were read: of all parts. */
  readonly leftOut: number;
}

/** The samples that are asked about. They can be read several times; nobody ever holds more than a few. */
export class Samples {
  readonly #options: SamplesOptions;

  constructor(options: SamplesOptions) {
    this.#options = options;
  }

  /**
   * @param pictures false where nobody will look at them
   * @param leftOut called for each question that is not asked
   * @throws `usage`
   */
  async *read(pictures: boolean, leftOut?: () => void): AsyncGenerator<Sample, void, void> {
    const { form, data, limit = Number.POSITIVE_INFINITY, shard } = this.#options;
    let count = 0;
    for await (const sample of form.read(data, { pictures, leftOut })) {
      if (count++ >= limit) return;
      if (shard === undefined || isIn(shard, sample.truth.group ?? sample.name)) yield sample;
    }
  }

  /** How many there are. @throws `usage` for the first that cannot be read, before anything was asked */
  async count(): Promise<Total> {
    let [samples, jobs, leftOut] = [0, 0, 0];
    let last: Sample | undefined;
    for await (const sample of this.read(false, () => leftOut++)) {
      samples++;
      if (last?.picture !== sample.picture) jobs++;
      last = sample;
    }
    return { samples, jobs, leftOut };
  }

  /** The samples as jobs. @param total how many jobs there are */
  jobs(total: number): JobSource {
    return { form: "llava", total, [Symbol.asyncIterator]: () => this.#jobs() };
  }

  /** Samples about the same picture that follow each other are one job. */
  async *#jobs(): AsyncGenerator<Job, void, void> {
    let together: Sample[] = [];
    for await (const sample of this.read(true)) {
      if (together.length > 0 && together[0]?.picture !== sample.picture) {
        yield jobOf(together);
        together = [];
      }
      together.push(sample);
    }
    if (together.length > 0) yield jobOf(together);
  }
}

function jobOf(samples: readonly Sample[]): Job {
  const [first] = samples;
  if (first === undefined) throw new RangeError("a job is about a picture");
  const { image: label, name, picture } = first;
  const questions = samples.map(({ id, prompt: text, ask }) => ({ id, text, ...(ask && { ask }) }));
  return { label, name, questions, ...(picture instanceof Error ? { error: picture } : { input: picture }) };
}
