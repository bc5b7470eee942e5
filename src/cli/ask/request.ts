import { stat } from "node:fs/promises";
import { FlashSlothError } from "../../core/errors.ts";
import type { WantedVariant } from "../../core/model/variant.ts";
import type { EngineOptions } from "../../engine/api.ts";
import type { AskSettings } from "../../pipeline/job.ts";
import { argumentJobs } from "../../pipeline/sources/arguments.ts";
import type { Shard } from "../../pipeline/sources/shard.ts";
import { isPictureFile } from "../../pipeline/sources/folder.ts";
import { splitArguments } from "./arguments.ts";
import type { AskFlags } from "../commands/ask.ts";
import { answersRequest, type AnswersRequest } from "../answers/request.ts";
import { constraintOf } from "../constraint.ts";
import { deviceOptions } from "../devices.ts";
import { explainRequest, type ExplainRequest } from "../explain/request.ts";

/** A validated `ask` command line; a variant that is left open is what the model comes with. */
export interface AskRequest extends WantedVariant {
  readonly images: readonly string[];
  readonly recursive: boolean;
  /** A list that names further pictures. @default there is none */
  readonly list?: ListRequest | undefined;
  /** A file of pictures and questions. @default there is none */
  readonly questionsFile?: QuestionsFileRequest | undefined;
  readonly model: string;
  readonly download: boolean;
  readonly devices: Pick<EngineOptions, "device" | "visionDevice" | "languageDevice" | "verdicts">;
  readonly threads: number | undefined;
  /** At least one, each asked about every picture; with a questions file, what is asked where a row has no question. */
  readonly questions: readonly string[];
  readonly ask: AskSettings;
  /** What is shown of where the model looked. @default nothing */
  readonly explain?: ExplainRequest | undefined;
  readonly timeoutMs: number | undefined;
  readonly answers: AnswersRequest;
  readonly bench: boolean;
  readonly parallel: number | "auto";
  /** false: answers as they come */
  readonly ordered: boolean;
  /** Bytes that may be kept of pictures: undefined the usual, 0 nothing. */
  readonly cacheBytes: number | undefined;
  /** undefined: all pictures */
  readonly shard: Shard | undefined;
}

export interface ListRequest {
  /** `-` is standard input. */
  readonly file: string;
  /** NUL ends a name. */
  readonly nul: boolean;
}

export interface QuestionsFileRequest {
  /** `-` is standard input. */
  readonly file: string;
  readonly imageDirectory: string | undefined;
}

/**
 * What a command line asks for.
 * @throws `usage`, also where a picture is to come from a terminal
 */
export async function askRequest(words: readonly string[], flags: AskFlags): Promise<AskRequest> {
  const { filesFrom, questions: questionsFrom } = flags;
  checkFiles(flags);
  const elsewhere = questionsFrom !== undefined ? "questions" : filesFrom !== undefined ? "names" : undefined;
  const { images, questions } = await splitArguments(words, flags.question, elsewhere);
  checkStandardInput(images, flags);
  if (images.includes("-") && flags.shard !== undefined) {
    throw new FlashSlothError("usage", "standard input (-) has no name, and --shard goes by names");
  }
  const { maxTokens, temperature, topP, seed, embq, output } = flags;
  const explain = await explainRequest(flags, output === undefined ? [] : [output]);
  return {
    images,
    questions,
    recursive: flags.recursive ?? false,
    list: filesFrom === undefined ? undefined : { file: filesFrom, nul: flags.null ?? false },
    questionsFile:
      questionsFrom === undefined ? undefined : { file: questionsFrom, imageDirectory: flags.imageDir },
    model: flags.model,
    download: flags.download,
    quant: flags.quant,
    visionPrecision: flags.visionPrecision,
    visionBudget: flags.visionBudget,
    devices: deviceOptions(flags),
    threads: flags.threads,
    ask: {
      maxTokens,
      temperature,
      topP,
      seed,
      embq,
      constraint: await constraintOf(flags),
      explain: explain && { layer: explain.layer },
    },
    explain,
    timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
    answers: answersRequest(flags, questions.length),
    bench: flags.bench ?? false,
    parallel: flags.parallel,
    ordered: flags.unordered !== true,
    cacheBytes: flags.cache ? flags.cacheSize : 0,
    shard: flags.shard,
  };
}

/** @throws `usage` for options that do not go together */
function checkFiles(flags: AskFlags): void {
  const { filesFrom, questions } = flags;
  if (filesFrom !== undefined && questions !== undefined) {
    throw new FlashSlothError(
      "usage",
      "--files-from and --questions both name the pictures: give one of them",
    );
  }
  const lonely =
    flags.null === true && filesFrom === undefined
      ? "-0 needs --files-from"
      : flags.imageDir !== undefined && questions === undefined
        ? "--image-dir needs --questions"
        : undefined;
  if (lonely !== undefined) throw new FlashSlothError("usage", lonely);
}

/** @throws `usage` where standard input is wanted twice, or is a terminal */
function checkStandardInput(images: readonly string[], { filesFrom, questions }: AskFlags): void {
  const option = filesFrom === "-" ? "--files-from" : questions === "-" ? "--questions" : undefined;
  if (option !== undefined && images.includes("-")) {
    throw new FlashSlothError("usage", `standard input (-) can be read only once, and ${option} reads it`);
  }
  if (!process.stdin.isTTY) return;
  if (option !== undefined) {
    throw new FlashSlothError("usage", `${option} - reads standard input, which is a terminal`, {
      hint: 'pipe names in: find . -name "*.jpg" | flashsloth ask --files-from - "What is this?"',
    });
  }
  if (images.includes("-")) {
    throw new FlashSlothError("usage", "standard input (-) is a terminal, not a picture", {
      hint: 'pipe a picture in: flashsloth ask - "What is this?" < photo.jpg',
    });
  }
}

/** Something that is written, and the option that says where. */
export interface Written {
  /** as it begins a sentence: `the answers` */
  readonly what: string;
  readonly option: string;
}

const ANSWERS: Written = { what: "the answers", option: "-o" };

/** @throws `usage` when an output file is one of the pictures, or the file that names them, by whatever name */
export async function refuseOverwriting(
  path: string,
  {
    images,
    recursive,
    list,
    questionsFile,
  }: Pick<AskRequest, "images" | "recursive" | "list" | "questionsFile">,
  { what, option }: Written = ANSWERS,
): Promise<void> {
  const target = await stat(path).catch(() => undefined);
  if (target?.isFile() !== true) return;
  for (const { file } of [list, questionsFile].filter((each) => each !== undefined)) {
    const given = file === "-" ? undefined : await stat(file).catch(() => undefined);
    if (given?.dev !== target.dev || given.ino !== target.ino) continue;
    throw new FlashSlothError("usage", `${what} would overwrite ${file}, which is read for them`, {
      hint: `name another file with ${option}`,
    });
  }
  // what is no picture is in no folder of pictures: a long list need not be walked for it
  const inFolders = await isPictureFile(path).catch(() => true);
  for (const image of images) {
    const given = image === "-" ? undefined : await stat(image).catch(() => undefined);
    if (given === undefined || (given.isDirectory() && !inFolders)) continue;
    for await (const job of argumentJobs({ arguments: [image], recursive, questions: [] })) {
      if (!("input" in job) || typeof job.input !== "string") continue;
      const picture = await stat(job.input).catch(() => undefined);
      if (picture?.dev !== target.dev || picture.ino !== target.ino) continue;
      throw new FlashSlothError("usage", `${what} would overwrite the picture ${job.label}`, {
        hint: `name another file with ${option}`,
      });
    }
  }
}
