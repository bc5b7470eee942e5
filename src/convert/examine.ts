import { surveyCheckpoint, type CheckpointSurvey, type SurveyOptions } from "../checkpoint/survey.ts";
import { FlashSlothError } from "../core/errors.ts";
import {
  EXACT_PRECISION,
  EXACT_QUANT,
  parseQuant,
  parseVisionPrecision,
  type WantedVariant,
} from "../core/model/variant.ts";
import { partsAmong } from "./files.ts";
import { conversionPeak, type Convertible } from "./space.ts";

/** What can be counted of a checkpoint that was surveyed, unless it has problems. */
export function convertibleOf({ resolved, tokenizer, match }: CheckpointSurvey): Convertible | undefined {
  if (resolved === undefined || tokenizer === undefined || match === undefined) return undefined;
  return { config: resolved.config, tensors: match.tensors, tokenizer: tokenizer.tokenizer };
}

/** A variant that is left open is the exact one. */
export interface ExamineOptions extends SurveyOptions, WantedVariant {
  /** Names of the files that an interrupted conversion of it has finished. @default none */
  readonly finished?: readonly string[] | undefined;
}

export interface Examined {
  /** Open, to be closed by whoever asked. */
  readonly survey: CheckpointSurvey;
  /** bytes that the conversion will take from the disk at its peak */
  readonly peak: number;
}

/**
 * Whether a checkpoint can be converted, and what that takes, by its headers alone.
 * @throws `checkpoint-invalid` with the first reason why not; `usage` without pictures to calibrate with; what the survey throws
 */
export async function examineCheckpoint(options: ExamineOptions): Promise<Examined> {
  const { quant = EXACT_QUANT, visionPrecision = EXACT_PRECISION, finished = [] } = options;
  const survey = await surveyCheckpoint(options);
  try {
    const [problem, ...others] = survey.problems;
    const checkpoint = convertibleOf(survey);
    if (problem !== undefined) throw withCount(problem, others.length);
    if (checkpoint === undefined)
      throw new FlashSlothError("internal", "a survey without a result or a reason");
    const precision = parseVisionPrecision(visionPrecision);
    if (options.calibrate !== undefined) {
      // pictures are decoded by code that few runs need
      const { requireCalibration } = await import("./mixed/pictures.ts");
      await requireCalibration(options, checkpoint.config);
    }
    const done = partsAmong(finished);
    return { survey, peak: conversionPeak({ checkpoint, quant: parseQuant(quant), precision, done }) };
  } catch (error) {
    await survey.close();
    throw error;
  }
}

/** The first of several problems, and how to see the others. */
function withCount(problem: FlashSlothError, others: number): FlashSlothError {
  if (others === 0) return problem;
  const { code, message, cause } = problem;
  const hint = `${others} more ${others === 1 ? "problem" : "problems"}: \`flashsloth inspect\` lists all`;
  return new FlashSlothError(code, message, { hint, cause });
}
