import type { Job, JobSource } from "../../pipeline/job.ts";
import { argumentJobs } from "../../pipeline/sources/arguments.ts";
import { openInput } from "../../pipeline/sources/bytes/input.ts";
import { listJobs } from "../../pipeline/sources/list.ts";
import { openQuestions } from "../../pipeline/sources/questions/open.ts";
import { PictureFetcher } from "../../addresses/fetch.ts";
import { isIn, shardJobs } from "../../pipeline/sources/shard.ts";
import type { AskRequest } from "./request.ts";

/** What of a request says which pictures are asked what. */
export type JobsRequest = Pick<
  AskRequest,
  "images" | "recursive" | "list" | "questionsFile" | "questions" | "shard"
>;

/** Opens where a request's jobs come from. @throws `usage` where a list or a questions file cannot be read */
export async function openJobs(request: JobsRequest): Promise<JobSource> {
  const { images, recursive, list, questionsFile, shard } = request;
  const questions = request.questions.map((text) => ({ text }));
  const wanted = shard && ((name: string): boolean => isIn(shard, name));
  const fetcher = new PictureFetcher();
  const partOf = (jobs: JobSource): JobSource =>
    closing(shard === undefined ? jobs : shardJobs(jobs, shard), fetcher);
  if (questionsFile !== undefined) {
    const { file, imageDirectory } = questionsFile;
    const input = await openInput({ file });
    return partOf(await openQuestions({ input, questions, imageDirectory, fetcher }));
  }
  const named = argumentJobs({ arguments: images, recursive, wanted, questions, fetcher });
  if (list === undefined) return partOf(named);
  const input = await openInput({ file: list.file });
  const listed = listJobs({ input, nul: list.nul, recursive, wanted, questions, fetcher });
  return partOf({
    list: true,
    close: () => listed.close?.(),
    [Symbol.asyncIterator]: () => both(named, listed),
  });
}

async function* both(first: AsyncIterable<Job>, second: AsyncIterable<Job>): AsyncGenerator<Job, void, void> {
  yield* first;
  yield* second;
}

/** The same jobs; with them the connections are closed that their pictures came over. */
function closing(jobs: JobSource, fetcher: PictureFetcher): JobSource {
  const close = (): void => {
    jobs.close?.();
    fetcher.close().catch(() => {});
  };
  return {
    list: jobs.list,
    form: jobs.form,
    close,
    [Symbol.asyncIterator]: () => jobs[Symbol.asyncIterator](),
  };
}
