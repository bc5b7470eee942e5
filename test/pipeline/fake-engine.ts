import type {
  Answer,
  EncodedPicture,
  EngineCounters,
  EngineHandle,
  EngineInfo,
} from "../../src/engine/api.ts";
import type { PreparedPicture } from "../../src/image/picture.ts";
import type { BadJob, Job, PictureJob, Question } from "../../src/pipeline/job.ts";

export const INFO: EngineInfo = {
  name: "fake",
  device: {
    vision: "cpu",
    arithmetic: "float32",
    cropsPerRun: 1,
    language: "cpu",
    about: "",
    notes: [],
    remarks: [],
    trials: 0,
  },
  loadMs: { vision: 1, language: 1, embq: 1, total: 3 },
  threads: 2,
  parallel: 1,
};

export const PREPARED: PreparedPicture = {
  pixels: new Uint8Array(),
  crops: 1,
  size: 384,
  width: 8,
  height: 8,
  digest: "",
};

export function picture(id: number, ms = { image: 3, wait: 0, vision: 20 }): EncodedPicture {
  return { id, width: 8, height: 8, crops: 1, features: 729, visualTokens: 81, cached: false, ms };
}

export function answer(text: string, changes: Partial<Answer> = {}): Answer {
  return {
    text,
    finish: "stop",
    tokens: { image: 81, prompt: 142, answer: 5, question: 5 },
    reusedPositions: 0,
    ids: [1, 2, 3, 4, 5],
    ms: { wait: 0, queue: 0, prefill: 30, embq: 2, firstToken: 4, decode: 16 },
    ...changes,
  };
}

/** A job less its questions. */
export type Input = Omit<PictureJob, "questions"> | Omit<BadJob, "questions">;

/** Every question about each input. */
export async function* jobsOf(
  inputs: Iterable<Input>,
  questions: readonly string[],
): AsyncGenerator<Job, void, void> {
  const asked: Question[] = questions.map((text) => ({ text }));
  for (const input of inputs) yield { ...input, questions: asked };
}

interface FakeCalls extends Partial<Pick<EngineHandle, "preparePicture" | "encodePicture" | "ask">> {
  /** @default 1 */
  readonly parallel?: number;
}

/** An engine whose calls are the test's, and which notes what is released and disposed. */
export class FakeEngine implements EngineHandle {
  readonly info: EngineInfo;
  readonly released: number[] = [];
  disposed = 0;
  readonly preparePicture: EngineHandle["preparePicture"];
  readonly encodePicture: EngineHandle["encodePicture"];
  readonly ask: EngineHandle["ask"];

  constructor(calls: FakeCalls = {}) {
    let next = 1;
    this.info = { ...INFO, parallel: calls.parallel ?? 1 };
    this.preparePicture = calls.preparePicture ?? (async () => PREPARED);
    this.encodePicture = calls.encodePicture ?? (async () => picture(next++));
    this.ask = calls.ask ?? (async () => answer("Red."));
  }

  async ready(): Promise<EngineInfo> {
    return this.info;
  }

  async release({ id }: EncodedPicture): Promise<void> {
    this.released.push(id);
  }

  async counters(): Promise<EngineCounters> {
    return {
      picturesEncoded: 0,
      featuresRead: 0,
      prefixPrefills: 0,
      prefixesRead: 0,
      questions: 0,
      batches: 0,
      rows: 0,
      restarts: 0,
    };
  }

  async dispose(): Promise<void> {
    this.disposed++;
  }
}
