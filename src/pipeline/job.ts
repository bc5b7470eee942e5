import type { FlashSlothError } from "../core/errors.ts";
import type { AskOptions } from "../engine/api.ts";

/** How questions are asked, whatever they are. */
export type AskSettings = Omit<AskOptions, "question" | "timeoutMs">;

/** What the asker calls a job or a question: the record carries it. */
export type JobId = string | number;

/** One question about a picture. */
export interface Question {
  readonly text: string;
  /** @default the job's */
  readonly id?: JobId | undefined;
  /** What is set for this question alone, such as its choices. @default what the run asks with */
  readonly ask?: Partial<AskSettings> | undefined;
  /** The answer held to be right: nobody reads it on the way. @default unknown */
  readonly expected?: string | undefined;
}

interface AnyJob {
  readonly id?: JobId | undefined;
  /** What records and messages call the picture: the path or URL as given, or `-`. */
  readonly label: string;
  /**
   * The picture's name relative to where it was found, such as its path inside the folder that was given: the same on every
   * machine, wherever that folder lies. @default the label
   */
  readonly name?: string | undefined;
  readonly questions: readonly Question[];
}

/** A picture that is fetched shortly before its turn: from the network, or by a name that is no text. */
export interface DeferredPicture {
  /**
   * The picture's encoded bytes.
   * @param signal aborted when nobody wants them any longer
   * @throws `image-not-found`, `image-unreadable`, `image-invalid`, `image-too-large`, `network`, `timeout`, `interrupted`
   */
  read(signal: AbortSignal): Promise<Uint8Array>;
}

export interface PictureJob extends AnyJob {
  /** A path, the picture's encoded bytes, or where they come from. */
  readonly input: string | Uint8Array | DeferredPicture;
}

/** Bad input is a job of its own, in its place: it does not stop the others. */
export interface BadJob extends AnyJob {
  readonly error: FlashSlothError;
  /** Whether it stands for all that was to be found there, such as a whole folder, and not for one picture. @default false */
  readonly everything?: boolean | undefined;
}

/** The unit of work: one picture, or why there is none, and what is asked about it. */
export type Job = PictureJob | BadJob;

/** The forms of a questions file: ours, LLaVA's, an OpenAI batch, a Hugging Face imagefolder's metadata, CSV. */
export type QuestionsForm = "ours" | "llava" | "openai" | "imagefolder" | "csv";

/** Jobs, given one by one as they are asked for: of a million nobody ever holds more than a few. */
export interface JobSource extends AsyncIterable<Job> {
  /** How many there are in all, once that is known. */
  readonly total?: number | undefined;
  /**
   * Somebody may still be writing the list that they come from: nobody may wait for several, and how many there are in the
   * end must not change what an answer looks like. @default false
   */
  readonly list?: boolean | undefined;
  /** How the questions came, where each picture has its own. @default every picture is asked the same */
  readonly form?: QuestionsForm | undefined;
  /** Lets go of where they come from, even while that is being waited for; there are none then. @default nothing to do */
  close?(): void;
}
