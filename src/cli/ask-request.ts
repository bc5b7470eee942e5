import { stat } from "node:fs/promises";
import type { DeviceChoice } from "../core/device.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { WantedVariant } from "../core/variant.ts";
import type { AskSettings } from "../pipeline/job.ts";
import { argumentJobs } from "../pipeline/sources/arguments.ts";
import { isPictureFile } from "../pipeline/sources/folder.ts";
import { splitArguments } from "./ask-arguments.ts";
import type { AskFlags } from "./commands/ask.ts";
import { constraintOf } from "./constraint.ts";

/** A validated `ask` command line; a variant that is left open is what the model comes with. */
export interface AskRequest extends WantedVariant {
  readonly images: readonly string[];
  readonly recursive: boolean;
  readonly model: string;
  readonly download: boolean;
  readonly device: DeviceChoice;
  readonly threads: number | undefined;
  /** at least one; each is asked about every picture */
  readonly questions: readonly string[];
  readonly ask: AskSettings;
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
  readonly bench: boolean;
  readonly parallel: number | "auto";
  /** false: answers as they come */
  readonly ordered: boolean;
  /** Bytes that may be kept of pictures: undefined the usual, 0 nothing. */
  readonly cacheBytes: number | undefined;
}

/**
 * What a command line asks for.
 * @throws `usage`, also where a picture is to come from a terminal
 */
export async function askRequest(words: readonly string[], flags: AskFlags): Promise<AskRequest> {
  const { images, questions } = await splitArguments(words, flags.question);
  if (images.includes("-") && process.stdin.isTTY) {
    throw new FlashSlothError("usage", "standard input (-) is a terminal, not a picture", {
      hint: 'pipe a picture in: flashsloth ask - "What is this?" < photo.jpg',
    });
  }
  const { maxTokens, temperature, topP, seed, embq } = flags;
  return {
    images,
    questions,
    recursive: flags.recursive ?? false,
    model: flags.model,
    download: flags.download,
    quant: flags.quant,
    visionPrecision: flags.visionPrecision,
    visionBudget: flags.visionBudget,
    device: flags.device,
    threads: flags.threads,
    ask: { maxTokens, temperature, topP, seed, embq, constraint: await constraintOf(flags) },
    timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
    json: flags.json ?? false,
    bench: flags.bench ?? false,
    parallel: flags.parallel,
    ordered: flags.unordered !== true,
    cacheBytes: flags.cache ? flags.cacheSize : 0,
  };
}

/** @throws `usage` when the output file is one of the pictures, by whatever name */
export async function refuseOverwriting(
  path: string,
  { images, recursive }: Pick<AskRequest, "images" | "recursive">,
): Promise<void> {
  const target = await stat(path).catch(() => undefined);
  if (target?.isFile() !== true) return;
  // what is no picture is in no folder of pictures: a long list need not be walked for it
  const inFolders = await isPictureFile(path).catch(() => true);
  for (const image of images) {
    const given = image === "-" ? undefined : await stat(image).catch(() => undefined);
    if (given === undefined || (given.isDirectory() && !inFolders)) continue;
    for await (const job of argumentJobs({ arguments: [image], recursive, questions: [] })) {
      if (!("input" in job) || typeof job.input !== "string") continue;
      const picture = await stat(job.input).catch(() => undefined);
      if (picture?.dev !== target.dev || picture.ino !== target.ino) continue;
      throw new FlashSlothError("usage", `the answers would overwrite the picture ${job.label}`, {
        hint: "name another file with -o",
      });
    }
  }
}
