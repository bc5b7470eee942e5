import { createHash } from "node:crypto";
import { posix, sep } from "node:path";
import type { Job, JobSource } from "../job.ts";

/** One of several parts of the same pictures: the `part`-th, from 1 on, of `of`. */
export interface Shard {
  readonly part: number;
  readonly of: number;
}

/**
 * The part that a picture belongs to. It depends on its name alone: not on the other pictures, their order, or where the
 * folder lies on this machine, so that what is added later moves nothing from one part to another.
 * @param name relative to where the picture was found
 * @param of how many parts there are
 * @returns 1 to `of`
 */
export function partOf(name: string, of: number): number {
  const plain = posix.normalize(sep === "/" ? name : name.replaceAll(sep, "/"));
  return 1 + (createHash("sha256").update(plain).digest().readUIntBE(0, 6) % of);
}

/** Whether a picture of this name belongs to a part. */
export function isIn({ part, of }: Shard, name: string): boolean {
  return partOf(name, of) === part;
}

/**
 * The jobs of one part: every job is in exactly one, but for those that stand for all that could not be looked into (a folder
 * that is not on this machine), which each part reports.
 */
export function shardJobs(jobs: JobSource, shard: Shard): JobSource {
  return {
    form: jobs.form,
    list: jobs.list,
    close: () => jobs.close?.(),
    [Symbol.asyncIterator]: () => partOfJobs(jobs, shard),
  };
}

async function* partOfJobs(jobs: JobSource, shard: Shard): AsyncGenerator<Job, void, void> {
  for await (const job of jobs) {
    const everybodys = "error" in job && job.everything === true;
    if (everybodys || isIn(shard, job.name ?? job.label)) yield job;
  }
}
