import type { FlashSlothError } from "../core/errors.ts";
import type { Job } from "../pipeline/job.ts";
import { PRESENCE_CHOICES, presenceProbability, presenceQuestion } from "../pipeline/presence.ts";
import { answers } from "../pipeline/run.ts";
import { readOpenPicture } from "../image/source.ts";
import { fileLabel } from "../pipeline/sources/file-names.ts";
import { folderPictures, isOpenPicture } from "../pipeline/sources/folder.ts";
import type { Call, ToolContext } from "./call.ts";
import type { Roots } from "./roots.ts";

export interface SearchOptions {
  /** as a client names it */
  readonly folder: string;
  /** What pictures are to show, or a whole yes/no question. */
  readonly what: string;
  readonly recursive: boolean;
  /** The least probability of yes, 0 to 1. */
  readonly threshold: number;
  /** At most so many matches are told, the best. */
  readonly mostMatches: number;
  /** At most so many pictures are looked at. */
  readonly mostPictures: number;
}

export interface SearchResult {
  readonly question: string;
  /** pictures that were asked about */
  readonly looked_at: number;
  /** how many match, and the best of them, the best first */
  readonly matching: number;
  readonly matches: readonly { readonly path: string; readonly probability: number }[];
  /** how many could not be looked at, and why, of the first */
  readonly failed: number;
  readonly failures: readonly { readonly path: string; readonly message: string }[];
  /** Whether every picture of the folder had its turn. */
  readonly complete: boolean;
}

const MOST_FAILURES = 10;

/**
 * Asks of each picture of a folder whether it shows something.
 * @throws as `Roots`, `folderPictures`, the model's loading; `interrupted`
 */
export async function searchFolder(
  options: SearchOptions,
  { signal, progress }: Call,
  { places, model }: ToolContext,
): Promise<SearchResult> {
  const { what, threshold, mostMatches } = options;
  const question = presenceQuestion(what);
  const folder = await places.roots.locate(options.folder);
  await places.roots.checkFolder(folder);
  progress.say("waiting for the model");
  const { name, engine } = await model.get((message) => progress.say(message), signal);
  const search = new FolderJobs({ ...options, folder, question, roots: places.roots });
  const matches: { path: string; probability: number }[] = [];
  const failures: { path: string; message: string }[] = [];
  let [lookedAt, failed] = [0, 0];
  const outcomes = answers({
    jobs: search.jobs(),
    engine: async () => engine,
    model: name,
    ask: { constraint: { kind: "choices", texts: PRESENCE_CHOICES }, maxTokens: 1 },
    ordered: false,
    stop: signal,
  });
  for await (const outcome of outcomes) {
    const path = outcome.job.label;
    if ("error" in outcome) {
      failed++;
      if (failures.length < MOST_FAILURES) failures.push({ path, message: outcome.error.message });
    } else {
      lookedAt++;
      const probability = presenceProbability(outcome.record);
      if (probability >= threshold) matches.push({ path, probability });
    }
    progress.say(`${lookedAt + failed} pictures looked at, ${matches.length} match`);
  }
  matches.sort((one, other) => other.probability - one.probability || (one.path < other.path ? -1 : 1));
  return {
    question,
    looked_at: lookedAt,
    matching: matches.length,
    matches: matches.slice(0, mostMatches),
    failed,
    failures,
    complete: !search.more,
  };
}

interface FolderJobsOptions extends Pick<SearchOptions, "folder" | "recursive" | "mostPictures"> {
  readonly question: string;
  readonly roots: Roots;
}

/** The pictures of a folder as jobs, up to a number of them, each opened through the roots. */
class FolderJobs {
  readonly #options: FolderJobsOptions;
  /** There were more pictures than were wanted. */
  more = false;

  constructor(options: FolderJobsOptions) {
    this.#options = options;
  }

  async *jobs(): AsyncGenerator<Job, void, void> {
    const { folder, recursive, mostPictures, roots, question } = this.#options;
    const questions = [{ text: question }];
    const isPicture = async (path: string | Buffer): Promise<boolean> => roots.open(path, isOpenPicture);
    let count = 0;
    for await (const found of folderPictures({ folder, recursive, isPicture })) {
      if (count++ === mostPictures) {
        this.more = true;
        return;
      }
      const { path } = found;
      const label = fileLabel(path);
      const job = (error: FlashSlothError): Job => ({ label, error, questions });
      if ("error" in found) {
        yield job(found.error);
      } else {
        const read = async (): Promise<Uint8Array> =>
          roots.open(path, async (handle) => (await readOpenPicture(handle, label)).bytes);
        yield { label, input: { read }, questions };
      }
    }
  }
}
