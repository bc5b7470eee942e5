import { stat } from "node:fs/promises";
import { FlashSlothError } from "../core/errors.ts";
import { readManifest } from "../core/model/manifest.ts";
import { beginEngine } from "../engine/client.ts";
import { Answers, readAnswers, type AnswerFile } from "../eval/answers.ts";
import type { TaskName } from "../eval/names.ts";
import { handOver, type HandedOver } from "../eval/handover.ts";
import { openTask, type OpenTask } from "../eval/open.ts";
import { givenBy, reportOf, type EvalReport, type GivenBy } from "../eval/report.ts";
import { scoreAnswers } from "../eval/score.ts";
import { settingsOf } from "../pipeline/resume/settings.ts";
import { DEMO_MODEL } from "../store/catalogue.ts";
import { resolveModel, type ResolvedModel } from "../store/resolve.ts";
import { runAsk } from "./ask.ts";
import type { AskRequest } from "./ask/request.ts";
import type { EvalFlags } from "./commands/eval.ts";
import { askSamples } from "./eval/asking.ts";
import { evalList } from "./eval/list.ts";
import { evalTable } from "./eval/table.ts";
import { deviceOptions } from "./devices.ts";
import { EXIT, statusOfRun } from "./exit.ts";
import { FileOutput } from "./answers/file-output.ts";
import { writeError } from "./answers/output.ts";
import { GOES_ON, runCommand, type CommandContext } from "./run-command.ts";

export interface EvaluateOptions {
  /** Whether the command line names a model. */
  readonly modelGiven: boolean;
}

/** `eval`: asks a benchmark's questions, or takes answers to them from a file, and says what they are worth. */
export async function evaluate(
  name: TaskName | undefined,
  flags: EvalFlags,
  { modelGiven }: EvaluateOptions,
): Promise<void> {
  if (flags.list === true) return evalList(name, flags);
  if (name === undefined) {
    throw new FlashSlothError("usage", "which benchmark?", { hint: "flashsloth eval --list shows them" });
  }
  const { output: file, resume = false, force = false } = flags;
  if (resume && file === undefined) {
    throw new FlashSlothError("usage", "--resume needs the file to go on with", { hint: "name it with -o" });
  }
  if (force && !resume) throw new FlashSlothError("usage", "--force needs --resume");
  await runCommand({ flags, stopped: GOES_ON }, async (context) => {
    const { data, protocol, limit, shard } = flags;
    const opened = await openTask({ name, data, protocol, limit, shard });
    if (context.signal.aborted) return EXIT.interrupted;
    const found =
      flags.answers === undefined
        ? await ask(opened, requestOf(name, opened, flags, modelGiven), context)
        : await read(flags.answers, opened);
    if (context.interrupts.received !== undefined) {
      const again = file === undefined ? "nothing was kept (-o keeps answers)" : "--resume goes on";
      context.terminal.note(`stopped before the end, and not scored; ${again}`);
      return EXIT.interrupted;
    }
    const { answers, by, file: answerFile } = found;
    const { form, samples, task, total, protocol: scored } = opened;
    const said: HandedOver[] = [];
    const { tally, score } = await scoreAnswers({
      samples: samples.read(false),
      answers,
      scoring: form.scoring,
      answered: ({ id, prompt, problem = {} }, text) => {
        if (form.handover !== undefined) said.push({ id, prompt, text, problem });
      },
    });
    const report = reportOf({
      task,
      protocol: scored,
      form,
      tally,
      score,
      by,
      limit,
      shard,
      answers: answerFile,
      handover: await handedOver(answerFile, form, said),
      leftOut: total.leftOut,
    });
    await print(report, flags, context);
    const { answered, failed } = tally;
    return answered === 0 ? EXIT.failed : statusOfRun({ answered, failed });
  });
}

async function print(report: EvalReport, { json }: EvalFlags, context: CommandContext): Promise<void> {
  await context.print(json === true ? JSON.stringify(report) : evalTable(report));
}

/** Writes the answers once more, as the benchmark's own evaluator takes them. @returns where; undefined for nowhere. @throws `disk` */
async function handedOver(
  file: string | undefined,
  { handover }: OpenTask["form"],
  answers: readonly HandedOver[],
): Promise<string | undefined> {
  if (file === undefined || handover === undefined || answers.length === 0 || !(await isFile(file)))
    return undefined;
  try {
    return await handOver(file, handover, answers);
  } catch (error) {
    throw writeError(`${file}${handover.ending}`, error, {
      what: "the answers",
      hint: `they are in ${file}; once it can be written, --answers ${file} writes it`,
    });
  }
}

interface Found {
  readonly answers: Answers;
  readonly by: GivenBy;
  /** the file they are in */
  readonly file: string | undefined;
}

async function read(file: string, { form }: OpenTask): Promise<Found> {
  const found = await readAnswers(file);
  if (found.count === 0) throw new FlashSlothError("usage", `${file} holds no answers`);
  return { answers: found.answers, by: byOf(found, form), file };
}

function byOf({ settings, models }: AnswerFile, form: OpenTask["form"]): GivenBy {
  return givenBy(settings, models, form);
}

function requestOf(name: TaskName, { form }: OpenTask, flags: EvalFlags, modelGiven: boolean): AskRequest {
  const { model, quant, visionPrecision, visionBudget, download, threads, parallel, embq } = flags;
  const { output, resume = false, force = false } = flags;
  return {
    images: [],
    recursive: false,
    questions: [],
    model: name === "demo" && !modelGiven ? DEMO_MODEL : model,
    quant,
    visionPrecision,
    visionBudget,
    download,
    devices: deviceOptions(flags),
    threads,
    parallel,
    ask: { maxTokens: form.maxTokens, temperature: 0, embq },
    timeoutMs: undefined,
    answers: { format: "llava", output, sidecar: undefined, resume, force, failFast: false },
    bench: false,
    ordered: true,
    cacheBytes: flags.cache ? flags.cacheSize : 0,
    shard: undefined, // the samples are only those of the part
  };
}

/** Asks what is not answered yet. */
async function ask(opened: OpenTask, request: AskRequest, context: CommandContext): Promise<Found> {
  const { terminal, interrupts, output } = context;
  const { samples, total, form } = opened;
  const { output: file } = request.answers;
  const answers = new Answers();
  let model: ResolvedModel | undefined;
  await runAsk(request, {
    terminal,
    interrupts,
    gatherPictures: async () => samples.jobs(total.jobs),
    openOutput: async () => {
      if (file === undefined) return output;
      await refuseData(file, opened);
      return FileOutput.open(file, output);
    },
    resolveModel: async (options) => (model = await resolveModel(options)),
    beginEngine,
    report: async (run) => askSamples(run, answers),
  });
  const settings = model === undefined ? [] : [settingsOf(await readManifest(model.directory), request.ask)];
  const by = givenBy(settings, [], form);
  if (file === undefined || !(await isFile(file))) return { answers, by, file };
  const written = await readAnswers(file); // also what earlier runs wrote
  return { answers: written.answers, by: written.settings.length > 1 ? byOf(written, form) : by, file };
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

/** @throws `usage` when the answers would overwrite a file that they are about */
async function refuseData(path: string, { files }: OpenTask): Promise<void> {
  const target = await stat(path).catch(() => undefined);
  if (target?.isFile() !== true) return;
  for (const file of files) {
    const there = await stat(file).catch(() => undefined);
    if (there?.dev !== target.dev || there.ino !== target.ino) continue;
    throw new FlashSlothError("usage", `the answers would overwrite ${file}, which is read for them`, {
      hint: "name another file with -o",
    });
  }
}
