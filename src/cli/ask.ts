import { FlashSlothError } from "../core/errors.ts";
import { readManifest } from "../core/model/manifest.ts";
import type { EngineHandle, EngineOptions } from "../engine/api.ts";
import { beginEngine } from "../engine/client.ts";
import type { Job, JobSource } from "../pipeline/job.ts";
import { formatFor } from "../pipeline/printers/printer.ts";
import { settingsOf } from "../pipeline/resume/settings.ts";
import { PeekedJobs } from "../pipeline/sources/peeked.ts";
import { storePaths } from "../store/home.ts";
import { resolveModel, type ResolvedModel, type ResolveOptions } from "../store/resolve.ts";
import { AnswersPlace } from "./answers/place.ts";
import { openJobs, type JobsRequest } from "./ask/jobs.ts";
import { report, type Report } from "./ask/report.ts";
import { askRequest, refuseOverwriting, type AskRequest } from "./ask/request.ts";
import type { AskFlags } from "./commands/ask.ts";
import { EXIT, statusOfRun } from "./exit.ts";
import type { Explanations, ExplanationsOptions } from "./explain/explanations.ts";
import type { ExplainRequest } from "./explain/request.ts";
import { FileOutput } from "./answers/file-output.ts";
import type { Output } from "./answers/output.ts";
import { noteOnModel, resolveOptions } from "./resolve-options.ts";
import { GOES_ON, runCommand, type CommandContext } from "./run-command.ts";

/** `ask`: answers every question about every picture. */
export async function ask(words: readonly string[], flags: AskFlags): Promise<void> {
  const request = await askRequest(words, flags);
  await runCommand({ flags, stopped: GOES_ON }, async ({ terminal, interrupts, output }) => {
    const openOutput = async (): Promise<Output> => {
      const { output: file } = request.answers;
      if (file === undefined) return output;
      await refuseOverwriting(file, request);
      return FileOutput.open(file, output);
    };
    const parts = {
      terminal,
      interrupts,
      gatherPictures: openJobs,
      openOutput,
      resolveModel,
      beginEngine,
      openExplanations:
        request.explain && openExplanations(request, request.explain, { terminal, color: flags.color }),
    };
    return runAsk(request, parts);
  });
}

type OpenExplanations = (jobs: Pick<ExplanationsOptions, "jobs" | "seen">) => Promise<Explanations>;

function openExplanations(
  request: AskRequest,
  explain: ExplainRequest,
  shown: Pick<ExplanationsOptions, "terminal" | "color">,
): OpenExplanations {
  return async (jobs) => {
    const { Explanations } = await import("./explain/explanations.ts");
    const { place, json } = explain;
    if (place?.kind === "file") {
      await refuseOverwriting(place.path, request, { what: "the map", option: "--explain" });
    }
    if (json !== undefined) {
      await refuseOverwriting(json, request, { what: "the attention", option: "--explain-json" });
    }
    return await Explanations.open({ request: explain, ...shown, ...jobs });
  };
}

/** So many jobs are looked at before the run begins: as many pictures make an engine's longer loading worth while. */
const MANY = 8;
/** So many are counted while the engine loads, so that one can be told how far the run is. */
const COUNTED = 1000;

/** The parts that `ask` joins; tests put others in their place. */
export interface AskParts extends Pick<CommandContext, "terminal" | "interrupts"> {
  /** @throws `usage` where a list or a questions file cannot be read */
  gatherPictures(request: JobsRequest): Promise<JobSource>;
  /** @throws `usage` when the answers would overwrite a picture; `disk` */
  openOutput(): Promise<Output>;
  resolveModel(options: ResolveOptions): Promise<ResolvedModel>;
  beginEngine(options: EngineOptions): EngineHandle;
  /** Makes room for where the model looked. @default nobody wants to see that. @throws `usage`, `disk` */
  readonly openExplanations?: OpenExplanations | undefined;
  /** Asks, and says what came of it. @returns the exit status. @default writes every answer */
  readonly report?: ((run: Report) => Promise<number>) | undefined;
}

/**
 * Runs `ask` and says how it ended.
 * @returns the exit status, where no signal came
 * @throws what keeps the whole run from starting or going on: no such model, no engine, a failed write
 */
export async function runAsk(request: AskRequest, parts: AskParts): Promise<number> {
  const { terminal, interrupts } = parts;
  interrupts.immediate = true; // nothing is in hand yet
  const { shard } = request;
  const given = new PeekedJobs(await parts.gatherPictures(request));
  const seen = await given.peek(MANY);
  if (seen.length === 0 && given.list !== true && shard !== undefined) {
    terminal.note(`none of the pictures is in part ${shard.part} of ${shard.of}`);
  }
  const output = await parts.openOutput().catch((error: unknown) => {
    given.close();
    throw error;
  });
  interrupts.immediate = false;
  const waitingSince = performance.now();
  let explanations: Explanations | undefined;
  let engine: Promise<EngineHandle> = Promise.reject(noEngine());
  engine.catch(() => {});
  try {
    explanations = await parts.openExplanations?.({ jobs: given, seen });
    const format = request.answers.format ?? formatFor(given.form);
    const place = new AnswersPlace({ request, format, output });
    let resolved: ResolvedModel | undefined;
    if (given.total === undefined || usable(seen) > 0) {
      resolved = await resolve(request, parts);
      if (interrupts.signal.aborted) return EXIT.interrupted;
    }
    const reads = place.needsSettings || explanations !== undefined;
    const manifest = reads && resolved ? await readManifest(resolved.directory) : undefined;
    if (manifest !== undefined) explanations?.check(manifest);
    const settings = manifest && place.needsSettings ? settingsOf(manifest, request.ask) : undefined;
    const jobs = await place.unanswered(given, settings);
    interrupts.immediate = true; // looking for what is left may take a while
    const first = await jobs.peek(MANY);
    interrupts.immediate = false;
    const pictures = jobs.total === undefined ? MANY : usable(first);
    if (pictures > 0 && resolved !== undefined) {
      interrupts.inHand = "this answer";
      engine = start(resolved, pictures, request, parts);
      engine.catch(() => {}); // reported where the first record awaits it
    }
    if (given.total === undefined) void given.peek(COUNTED);
    const { counts } = place;
    const { report: reportOn = reportAnswers } = parts;
    return await reportOn({
      terminal,
      interrupts,
      request,
      jobs,
      format,
      output,
      engine,
      waitingSince,
      counts,
      model: resolved?.name ?? request.model,
      writer: place.writer(given.list === true ? undefined : jobs.total),
      skippedPictures: () => place.skippedPictures,
      stamps: place.stamps(settings),
      sidecars: place.sidecars,
      explanations,
    });
  } finally {
    terminal.clear();
    given.close();
    await engine.then(async (handle) => handle.dispose()).catch(() => {});
    await explanations?.close();
    await output.close();
  }
}

async function reportAnswers(run: Report): Promise<number> {
  await report(run);
  return statusOfRun(run.counts);
}

/** How many of the jobs have a picture. */
function usable(jobs: readonly Job[]): number {
  return jobs.filter((job) => "input" in job).length;
}

/** What one question can take; choices are compared in as many branches as there is room for. */
function longestOf(request: AskRequest): EngineOptions["longest"] {
  const [question = ""] = request.questions;
  const { constraint, maxTokens } = request.ask;
  if (constraint?.kind === "choices" || maxTokens === undefined) return undefined;
  return { questionBytes: Buffer.byteLength(question), maxTokens };
}

function noEngine(): FlashSlothError {
  return new FlashSlothError("internal", "no engine was started, because no picture needs one");
}

async function resolve(request: AskRequest, parts: AskParts): Promise<ResolvedModel> {
  const { terminal, interrupts } = parts;
  const { signal } = interrupts;
  const model = await parts.resolveModel(resolveOptions(request, { terminal, signal }));
  noteOnModel(model, terminal);
  return model;
}

async function start(
  model: ResolvedModel,
  pictures: number,
  request: AskRequest,
  parts: AskParts,
): Promise<EngineHandle> {
  const { devices, threads, parallel, cacheBytes } = request;
  const paths = storePaths();
  const alone = pictures === 1 && request.questions.length === 1 && request.questionsFile === undefined;
  parts.terminal.status(`loading ${model.name}`);
  const engine = parts.beginEngine({
    directory: model.directory,
    ...devices,
    threads,
    pictures,
    parallel: alone ? 1 : parallel,
    longest: alone ? longestOf(request) : undefined,
    promptCache: paths.prompts,
    pictureCache:
      cacheBytes === 0
        ? undefined
        : { features: paths.features, prefixes: paths.prefixes, maxBytes: cacheBytes },
  });
  // while nothing is in hand, Ctrl-C need not wait for a record to finish
  parts.interrupts.immediate = true;
  const loaded = (): void => void (parts.interrupts.immediate = false);
  engine.ready().then(({ device: { remarks } }) => {
    loaded();
    for (const remark of remarks) parts.terminal.note(remark);
  }, loaded);
  return engine;
}
