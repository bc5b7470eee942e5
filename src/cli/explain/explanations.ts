import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { onDisk } from "../../core/files/disk.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Manifest } from "../../core/model/manifest.ts";
import { lookGraph } from "../../engine/look-side.ts";
import { describeAttention, summarizeAttention, type AttentionSummary } from "../../explain/describe.ts";
import { drawAttention } from "../../explain/draw.ts";
import { checkQuery } from "../../explain/shown.ts";
import type { DeferredPicture, Job, JobSource, PictureJob } from "../../pipeline/job.ts";
import type { Outcome } from "../../pipeline/outcome.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { MapFiles, requireWritable } from "./maps.ts";
import type { ExplainRequest } from "./request.ts";
import { AttentionView } from "./view.ts";

/** What a record has of its map. */
export interface Explanation extends AttentionSummary {
  /** where it was drawn. @default it was not drawn to a file */
  readonly file?: string;
}

export interface ExplanationsOptions {
  readonly request: ExplainRequest;
  readonly jobs: JobSource;
  /** the first of them */
  readonly seen: readonly Job[];
  readonly terminal: Terminal;
  /** False when `--no-color` was given. */
  readonly color: boolean;
}

/** Shows where the model looked, answer by answer. */
export class Explanations {
  readonly #request: ExplainRequest;
  readonly #terminal: Terminal;
  readonly #files: MapFiles | undefined;
  readonly #view: AttentionView | undefined;
  #json: FileHandle | undefined;

  private constructor(
    { request, terminal }: ExplanationsOptions,
    places: { files: MapFiles | undefined; view: AttentionView | undefined },
  ) {
    this.#request = request;
    this.#terminal = terminal;
    this.#files = places.files;
    this.#view = places.view;
  }

  /** Finds out before any work whether there is a place for the maps. @throws `usage`, `disk` */
  static async open(options: ExplanationsOptions): Promise<Explanations> {
    const { request, terminal, color } = options;
    const { place, json } = request;
    requireRoom(options);
    if (json !== undefined) await requireWritable(dirname(json));
    const files = place !== undefined && place.kind !== "terminal" ? await MapFiles.open(place) : undefined;
    const view = place?.kind === "terminal" ? await AttentionView.open(terminal, { color }) : undefined;
    return new Explanations(options, { files, view });
  }

  /** Checks what the model's manifest tells. @throws `usage` */
  check(manifest: Manifest): void {
    const { layer, query } = this.#request;
    lookGraph(manifest, layer);
    if (query !== undefined) checkQuery({ layer, queries: manifest.geometry.queries }, query);
  }

  /** The same jobs. A picture that is fetched is kept until its answer is there: it is drawn on, and nobody fetches it twice. */
  keeping(jobs: JobSource): JobSource {
    return {
      get total() {
        return jobs.total;
      },
      list: jobs.list,
      form: jobs.form,
      close: () => jobs.close?.(),
      [Symbol.asyncIterator]: () => kept(jobs),
    };
  }

  /**
   * Draws an answer's map and writes its attention, as far as files were named for that.
   * @returns what goes into the record; undefined where there is no map
   * @throws `disk`; as `drawAttention`
   */
  async write(outcome: Outcome): Promise<Explanation | undefined> {
    if ("error" in outcome) return undefined;
    const { explain: attention } = outcome.measured.answer;
    if (attention === undefined) return undefined;
    const { query, json } = this.#request;
    const { record } = outcome;
    const summary = summarizeAttention(attention, query);
    if (json !== undefined) {
      const { id, image, question, answer } = record;
      const data = describeAttention(attention, outcome.measured.picture, query);
      const row = { ...(id !== undefined && { id }), image, question, answer, ...data };
      this.#json ??= await onDisk(json, open(json, "w"));
      await onDisk(json, this.#json.appendFile(`${JSON.stringify(row)}\n`));
    }
    if (this.#files === undefined) return summary;
    const picture = await pictureOf(outcome.job);
    const file = await this.#files.write(outcome, await drawAttention({ picture, attention, query }));
    return { ...summary, file };
  }

  /**
   * Shows an answer's map on the terminal, where it is to be shown there.
   * @param subject what tells the answer from others. @default it is the only one
   */
  async show(outcome: Outcome, subject?: string): Promise<void> {
    if (this.#view === undefined || "error" in outcome) return;
    const { answer, picture: size } = outcome.measured;
    const { explain: attention } = answer;
    if (attention === undefined) return;
    if (subject !== undefined) this.#terminal.report(subject);
    const { query } = this.#request;
    await this.#view.show({ attention, query, size, picture: async () => pictureOf(outcome.job) });
  }

  async close(): Promise<void> {
    await this.#json?.close();
  }
}

async function* kept(jobs: JobSource): AsyncGenerator<Job, void, void> {
  for await (const job of jobs) yield "input" in job && isDeferred(job.input) ? keptJob(job, job.input) : job;
}

function keptJob(job: PictureJob, input: DeferredPicture): PictureJob {
  let bytes: Promise<Uint8Array> | undefined;
  return { ...job, input: { read: async (signal) => await (bytes ??= input.read(signal)) } };
}

/** One file has room for one map. @throws `usage` */
function requireRoom({ request: { place }, jobs, seen }: ExplanationsOptions): void {
  const questions = seen.reduce((sum, job) => sum + job.questions.length, 0);
  if (place?.kind !== "file" || (jobs.list !== true && questions <= 1)) return;
  throw new FlashSlothError("usage", `${place.path} has room for one map, and there are several answers`, {
    hint: "name a folder: --explain maps/",
  });
}

async function pictureOf(job: Job): Promise<string | Uint8Array> {
  if (!("input" in job)) {
    throw new FlashSlothError("internal", `${job.label} was answered about without a picture`);
  }
  return isDeferred(job.input) ? await job.input.read(new AbortController().signal) : job.input;
}

function isDeferred(input: PictureJob["input"]): input is DeferredPicture {
  return typeof input === "object" && "read" in input;
}
