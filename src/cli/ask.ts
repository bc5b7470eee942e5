import { FlashSlothError } from "../core/errors.ts";
import type { EngineHandle, EngineOptions } from "../engine/api.ts";
import { beginEngine } from "../engine/client.ts";
import type { JobSource } from "../pipeline/job.ts";
import type { Outcome } from "../pipeline/outcome.ts";
import { answers } from "../pipeline/run.ts";
import { argumentJobs, type ArgumentsOptions } from "../pipeline/sources/arguments.ts";
import { PeekedJobs } from "../pipeline/sources/peeked.ts";
import { benchStages, type BenchStages } from "../pipeline/stages.ts";
import { storePaths } from "../store/home.ts";
import { resolveModel, type ResolvedModel, type ResolveOptions } from "../store/resolve.ts";
import { answerWriter } from "./answer-writer.ts";
import { askRequest, refuseOverwriting, type AskRequest } from "./ask-request.ts";
import type { AskFlags } from "./commands/ask.ts";
import { EXIT, statusOfRun } from "./exit.ts";
import { FileOutput, type Output } from "./output.ts";
import { Remarks } from "./remarks.ts";
import { resolveOptions } from "./resolve-options.ts";
import { GOES_ON, runCommand, type CommandContext } from "./run-command.ts";
import { stageTable } from "./stage-table.ts";

/** `ask`: answers every question about every picture. */
export async function ask(words: readonly string[], flags: AskFlags): Promise<void> {
  const request = await askRequest(words, flags);
  await runCommand({ flags, stopped: GOES_ON }, async ({ terminal, interrupts, output }) => {
    const openOutput = async (): Promise<Output> => {
      if (flags.output === undefined) return output;
      await refuseOverwriting(flags.output, request);
      return FileOutput.open(flags.output, output);
    };
    const parts = {
      terminal,
      interrupts,
      gatherPictures: argumentJobs,
      openOutput,
      resolveModel,
      beginEngine,
    };
    return runAsk(request, parts);
  });
}

/** So many jobs are looked at before the run begins: as many pictures make an engine's longer loading worth while. */
const MANY = 8;
/** So many are counted while the engine loads, so that one can be told how far the run is. */
const COUNTED = 1000;

/** The parts that `ask` joins; tests put others in their place. */
export interface AskParts extends Pick<CommandContext, "terminal" | "interrupts"> {
  gatherPictures(options: ArgumentsOptions): JobSource;
  /** @throws `usage` when the answers would overwrite a picture; `disk` */
  openOutput(): Promise<Output>;
  resolveModel(options: ResolveOptions): Promise<ResolvedModel>;
  beginEngine(options: EngineOptions): EngineHandle;
}

/**
 * Runs `ask` and says how it ended.
 * @returns the exit status, where no signal came
 * @throws what keeps the whole run from starting or going on: no such model, no engine, a failed write
 */
export async function runAsk(request: AskRequest, parts: AskParts): Promise<number> {
  const { terminal, interrupts } = parts;
  interrupts.immediate = true; // nothing is in hand yet
  const { images, recursive } = request;
  const questions = request.questions.map((text) => ({ text }));
  const jobs = new PeekedJobs(parts.gatherPictures({ arguments: images, recursive, questions }));
  const first = await jobs.peek(MANY);
  const output = await parts.openOutput();
  interrupts.immediate = false;
  const waitingSince = performance.now();
  let engine: Promise<EngineHandle> = Promise.reject(noEngine());
  engine.catch(() => {});
  let model = request.model;
  try {
    const usable = first.filter((job) => "input" in job).length;
    const pictures = jobs.total === undefined ? MANY : usable;
    if (pictures > 0) {
      const resolved = await resolve(request, parts);
      if (interrupts.signal.aborted) return EXIT.interrupted;
      interrupts.inHand = "this answer";
      model = resolved.name;
      engine = start(resolved, pictures, request, parts);
      engine.catch(() => {}); // reported where the first record awaits it
    }
    void jobs.peek(COUNTED);
    return statusOfRun(await report({ request, parts, jobs, output, model, engine, waitingSince }));
  } finally {
    terminal.clear();
    await engine.then(async (handle) => handle.dispose()).catch(() => {});
    await output.close();
  }
}

function noEngine(): FlashSlothError {
  return new FlashSlothError("internal", "no engine was started, because no picture needs one");
}

async function resolve(request: AskRequest, parts: AskParts): Promise<ResolvedModel> {
  const { terminal, interrupts } = parts;
  const { signal } = interrupts;
  const model = await parts.resolveModel(resolveOptions(request, { terminal, signal }));
  if (model.demo) terminal.note("the demo model knows drawings of coloured shapes and nothing else");
  return model;
}

async function start(
  model: ResolvedModel,
  pictures: number,
  request: AskRequest,
  parts: AskParts,
): Promise<EngineHandle> {
  const { device, threads, parallel, cacheBytes } = request;
  const paths = storePaths();
  const alone = pictures === 1 && request.questions.length === 1;
  parts.terminal.status(`loading ${model.name}`);
  const engine = parts.beginEngine({
    directory: model.directory,
    device,
    threads,
    pictures,
    parallel: alone ? 1 : parallel,
    promptCache: paths.prompts,
    pictureCache:
      cacheBytes === 0
        ? undefined
        : { features: paths.features, prefixes: paths.prefixes, maxBytes: cacheBytes },
  });
  // while nothing is in hand, Ctrl-C need not wait for a record to finish
  parts.interrupts.immediate = true;
  const loaded = (): void => void (parts.interrupts.immediate = false);
  engine.ready().then(loaded, loaded);
  return engine;
}

interface Run {
  readonly request: AskRequest;
  readonly parts: AskParts;
  readonly jobs: JobSource;
  readonly output: Output;
  readonly model: string;
  readonly engine: Promise<EngineHandle>;
  readonly waitingSince: number;
}

/** Asks every question about every input and writes what comes of it. */
async function report(run: Run): Promise<{ answered: number; failed: number }> {
  const { request, jobs, output } = run;
  const { terminal, interrupts } = run.parts;
  const { json, questions, timeoutMs } = request;
  const writer = answerWriter(
    {
      json,
      pictures: jobs.total ?? Number.POSITIVE_INFINITY,
      questions: questions.length,
      whole: request.ask.constraint?.kind === "schema",
    },
    output,
  );
  const counts = { answered: 0, failed: 0 };
  const remarks = new Remarks({ terminal, questions, timeoutMs });
  const onText = writer.onText;
  const outcomes = answers({
    jobs: remarks.follow(jobs),
    engine: async () => run.engine,
    waitingSince: run.waitingSince,
    model: run.model,
    ask: request.ask,
    ordered: request.ordered,
    timeoutMs,
    onText:
      onText &&
      ((piece) => {
        terminal.clear();
        onText(piece);
      }),
    finish: interrupts.signal,
    stop: output.closed,
  });
  for await (const outcome of outcomes) {
    terminal.clear();
    const stages = request.bench ? await measure(outcome, run.engine) : undefined;
    await writer.write(outcome, stages && { bench: stages });
    if (stages !== undefined && !json) terminal.report(stageTable(remarks.subject(outcome), stages));
    if ("error" in outcome) counts.failed++;
    else counts.answered++;
    remarks.explain(outcome);
    remarks.working(counts.answered + counts.failed);
  }
  return counts;
}

async function measure(outcome: Outcome, engine: Promise<EngineHandle>): Promise<BenchStages | undefined> {
  if ("error" in outcome) return undefined;
  const { info } = await engine;
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  return benchStages({ ...outcome.measured, times: outcome.record.ms, info, peakMemoryBytes });
}
