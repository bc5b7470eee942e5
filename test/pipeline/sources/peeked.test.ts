import { describe, expect, it } from "vitest";
import type { Job } from "../../../src/pipeline/job.ts";
import { PeekedJobs } from "../../../src/pipeline/sources/peeked.ts";

function job(number: number): Job {
  return { label: `${number}`, input: `${number}`, questions: [] };
}

/** Jobs 1 to `count`, and what became of whoever gives them. */
function numbered(count: number): {
  jobs: AsyncGenerator<Job, void, void>;
  given: number[];
  ended: string[];
} {
  const given: number[] = [];
  const ended: string[] = [];
  async function* give(): AsyncGenerator<Job, void, void> {
    try {
      for (let number = 1; number <= count; number++) {
        given.push(number);
        yield job(number);
      }
    } finally {
      ended.push("closed");
    }
  }
  return { jobs: give(), given, ended };
}

async function* failing(): AsyncGenerator<Job, void, void> {
  yield job(1);
  throw new Error("torn list");
}

async function* silent(): AsyncGenerator<Job, void, void> {
  yield job(1);
  await new Promise(() => {});
}

async function labels(jobs: AsyncIterable<Job>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { label } of jobs) seen.push(label);
  return seen;
}

describe("PeekedJobs", () => {
  it("shows the first jobs and still gives them all, in order", async () => {
    const { jobs, given } = numbered(5);
    const peeked = new PeekedJobs(jobs);
    expect((await peeked.peek(2)).map(({ label }) => label)).toEqual(["1", "2"]);
    expect(given).toEqual([1, 2]);
    expect(await labels(peeked)).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("knows the total once it has seen the end, or when the source does", async () => {
    const peeked = new PeekedJobs(numbered(3).jobs);
    await peeked.peek(3);
    expect(peeked.total).toBeUndefined();
    expect(await peeked.peek(4)).toHaveLength(3);
    expect(peeked.total).toBe(3);
    expect(new PeekedJobs(Object.assign(numbered(3).jobs, { total: 3 })).total).toBe(3);
  });

  it("may look on while the jobs are taken", async () => {
    const { jobs } = numbered(500);
    const peeked = new PeekedJobs(jobs);
    const [taken] = await Promise.all([labels(peeked), peeked.peek(400)]);
    expect(taken).toEqual(Array.from({ length: 500 }, (_, index) => `${index + 1}`));
  });

  it("tells whoever takes the jobs that the source failed, after those that came before", async () => {
    const peeked = new PeekedJobs(failing());
    expect(await peeked.peek(9)).toHaveLength(1);
    const seen: string[] = [];
    const taking = (async () => {
      for await (const { label } of peeked) seen.push(label);
    })();
    await expect(taking).rejects.toThrow("torn list");
    expect(seen).toEqual(["1"]);
  });

  it("does not wait for more of a list that is silent", async () => {
    let closed = 0;
    const list = { list: true, [Symbol.asyncIterator]: silent, close: () => closed++ };
    const peeked = new PeekedJobs(list);
    expect((await peeked.peek(2)).map(({ label }) => label)).toEqual(["1"]);
    expect(peeked).toMatchObject({ list: true, total: undefined });
    for await (const { label } of peeked) if (label === "1") break;
    peeked.close();
    expect(closed).toBe(1);
  });

  it("closes the source when no more is wanted, without waiting for one that is silent", async () => {
    const { jobs, ended } = numbered(9);
    for await (const { label } of new PeekedJobs(jobs)) if (label === "2") break;
    expect(ended).toEqual(["closed"]);

    const peeked = new PeekedJobs(silent());
    void peeked.peek(2);
    for await (const { label } of peeked) if (label === "1") break;
  });
});
