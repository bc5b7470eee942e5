import { benchStages, type BenchStages } from "../bench/stages.ts";
import { benchTable } from "../bench/table.ts";
import type { DeviceChoice } from "../core/device.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { VisionPrecision } from "../core/variant.ts";
import type { AskOptions, EngineHandle, EngineOptions } from "../engine/api.ts";
import { answers } from "../pipeline/answers.ts";
import type { GatherOptions, PictureEntry } from "../pipeline/inputs.ts";
import type { Outcome } from "../pipeline/outcome.ts";
import { storePaths } from "../store/home.ts";
import type { ResolvedModel, ResolveOptions } from "../store/resolve.ts";
import { jsonWriter, lineWriter, streamWriter, type AnswerWriter } from "./answer-writer.ts";
import { EXIT, statusOfRun, statusOfSignal } from "./exit.ts";
import type { Interrupts } from "./interrupt.ts";
import type { Output } from "./output.ts";
import { showStoreProgress } from "./progress.ts";
import { Remarks } from "./remarks.ts";
import type { Terminal } from "./terminal.ts";

/** A validated `ask` command line. */
export interface AskRequest {
  readonly images: readonly string[];
  readonly recursive: boolean;
  readonly model: string;
  readonly download: boolean;
  /** Weight type of the language model; undefined takes what the model comes with. */
  readonly quant: string | undefined;
  /** Of the vision encoder; undefined takes what the model comes with. */
  readonly visionPrecision: VisionPrecision | undefined;
  readonly device: DeviceChoice;
  readonly threads: number | undefined;
  /** at least one; each is asked about every picture */
  readonly questions: readonly string[];
  readonly ask: Omit<AskOptions, "question" | "timeoutMs">;
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
  readonly bench: boolean;
}

/** The parts that `ask` joins; tests put others in their place. */
export interface AskParts {
  readonly terminal: Terminal;
  readonly interrupts: Interrupts;
  gatherPictures(options: GatherOptions): Promise<readonly PictureEntry[]>;
  /** @throws `usage` when the answers would overwrite a picture; `disk` */
  openOutput(inputs: readonly PictureEntry[]): Promise<Output>;
  resolveModel(options: ResolveOptions): Promise<ResolvedModel>;
  beginEngine(options: EngineOptions): EngineHandle;
}

/**
 * Runs `ask` and says how it ended.
 * @returns the exit status
 * @throws what keeps the whole run from starting or going on: no such model, no engine, a failed write
 */
export async function runAsk(request: AskRequest, parts: AskParts): Promise<number> {
  const { terminal, interrupts } = parts;
  interrupts.immediate = true; // nothing is in hand yet
  const inputs = await parts.gatherPictures({ arguments: request.images, recursive: request.recursive });
  interrupts.immediate = false;
  const output = await parts.openOutput(inputs);
  const waitingSince = performance.now();
  let engine: Promise<EngineHandle> = Promise.reject(noEngine());
  engine.catch(() => {});
  let model = request.model;
  try {
    const pictures = inputs.filter((input) => "input" in input).length;
    if (pictures > 0) {
      const resolved = await resolve(request, parts);
      if (interrupts.received !== undefined) return statusOfSignal(interrupts.received);
      model = resolved.name;
      engine = start(resolved, pictures, request, parts);
      engine.catch(() => {}); // reported where the first record awaits it
    }
    const counts = await report({ request, parts, inputs, output, model, engine, waitingSince });
    if (interrupts.received !== undefined) return statusOfSignal(interrupts.received);
    return output.closed.aborted ? EXIT.ok : statusOfRun(counts);
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
  const model = await parts.resolveModel({
    model: request.model,
    download: request.download ? undefined : false,
    quant: request.quant,
    visionPrecision: request.visionPrecision,
    onProgress: showStoreProgress(terminal),
    signal: interrupts.signal,
  });
  if (model.demo) terminal.note("the demo model knows drawings of coloured shapes and nothing else");
  return model;
}

async function start(
  model: ResolvedModel,
  pictures: number,
  request: AskRequest,
  parts: AskParts,
): Promise<EngineHandle> {
  const { device, threads } = request;
  parts.terminal.status(`loading ${model.name}`);
  const engine = parts.beginEngine({
    directory: model.directory,
    device,
    threads,
    pictures,
    promptCache: storePaths().prompts,
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
  readonly inputs: readonly PictureEntry[];
  readonly output: Output;
  readonly model: string;
  readonly engine: Promise<EngineHandle>;
  readonly waitingSince: number;
}

/** Asks every question about every input and writes what comes of it. */
async function report(run: Run): Promise<{ answered: number; failed: number }> {
  const { request, inputs, output } = run;
  const { terminal, interrupts } = run.parts;
  const writer = chooseWriter(request, inputs.length, output);
  const counts = { answered: 0, failed: 0 };
  const pictures = inputs.map(({ label }) => label);
  const { questions, timeoutMs } = request;
  const remarks = new Remarks({ terminal, pictures, questions, timeoutMs });
  const showNext = (): void => remarks.working(counts.answered + counts.failed);
  run.engine.then(showNext, () => {});
  const onText = writer.onText;
  const outcomes = answers({
    inputs,
    questions,
    engine: async () => run.engine,
    waitingSince: run.waitingSince,
    model: run.model,
    ask: request.ask,
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
    if (stages !== undefined && !request.json) terminal.report(benchTable(remarks.subject(outcome), stages));
    if ("error" in outcome) counts.failed++;
    else counts.answered++;
    remarks.explain(outcome);
    showNext();
  }
  return counts;
}

function chooseWriter(request: AskRequest, pictures: number, output: Output): AnswerWriter {
  if (request.json) return jsonWriter(output);
  const questions = request.questions.length;
  if (pictures === 1 && questions === 1) return streamWriter(output);
  return lineWriter(output, { image: pictures > 1, question: questions > 1 });
}

async function measure(outcome: Outcome, engine: Promise<EngineHandle>): Promise<BenchStages | undefined> {
  if ("error" in outcome) return undefined;
  const { info } = await engine;
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  return benchStages({ ...outcome.measured, times: outcome.record.ms, info, peakMemoryBytes });
}
