import type { FlashSlothError } from "../core/errors.ts";
import type { AskSettings, DeferredPicture, JobId } from "../pipeline/job.ts";
import type { JsonObject } from "../core/json.ts";
import type { DataFolder, Need } from "./data/folder.ts";
import type { Handover } from "./handover.ts";
import type { Protocol } from "./protocols.ts";

/** What is held to be right about a sample, and what its score needs to know besides. */
export interface Truth {
  /** Every answer that is right: one where a task has only one. */
  readonly answers: readonly string[];
  /** What scores are broken down by. @default they are not */
  readonly category?: string | undefined;
  /** How it is asked, where a sample is asked in several ways. @default the usual way */
  readonly way?: string | undefined;
  /** Samples of one group are scored together. @default a sample is a group of its own */
  readonly group?: string | undefined;
  /** The texts of the options A, B, … @default there are none to choose from */
  readonly options?: readonly string[] | undefined;
}

/** One question of a benchmark about one picture. */
export interface Sample {
  /** What the answer file calls it. */
  readonly id: JobId;
  /** The picture's name in records and messages. */
  readonly image: string;
  /** The same on every machine: what `--shard` goes by. */
  readonly name: string;
  /** A path, bytes, or where they come from; or why there is no picture. */
  readonly picture: string | Uint8Array | DeferredPicture | FlashSlothError;
  /** The whole question, its suffix included. */
  readonly prompt: string;
  readonly truth: Truth;
  /** What is set for this question alone. @default what the run asks with */
  readonly ask?: Partial<AskSettings> | undefined;
  /** What the benchmark's own evaluator wants to know about it. @default nothing */
  readonly problem?: JsonObject | undefined;
}

/** What a rule makes of one answer. */
export interface Grade {
  /** 0 to 1 */
  readonly score: number;
  /** Whether the rule found in it what it looks for. */
  readonly readable: boolean;
  /** What the rule took it for, such as `yes`. @default nothing but the score counts */
  readonly said?: string | undefined;
}

/** An answered sample. */
export interface Graded extends Grade {
  readonly truth: Truth;
}

/** The samples of one group: what is drawn as one when the score's uncertainty is estimated. */
export type Unit = readonly Graded[];

/** One figure of a report. */
export interface Metric {
  readonly name: string;
  /** Percent, or points. */
  readonly value: number;
  /** Of how many samples. @default of all */
  readonly samples?: number | undefined;
}

/** How answers become a score. */
export interface Scoring {
  /** The rule for one answer. @throws nothing: any text is an answer */
  readonly grade: (text: string, truth: Truth) => Grade;
  /** The figure that the paper's is held against. */
  readonly headline: {
    readonly name: string;
    readonly unit: "%" | "points";
    readonly of: (units: readonly Unit[]) => number;
  };
  /** Further figures, the most telling first. */
  readonly details: (units: readonly Unit[]) => readonly Metric[];
}

/** A benchmark under one protocol. */
export interface Form {
  readonly split: string;
  /** What the user's folder must hold; the first of them tells the protocol. */
  readonly needs: readonly Need[];
  /** Where its users get it. */
  readonly from: string;
  /** What every question ends with, as it is asked, or one of several; empty where each comes whole from the file. */
  readonly suffix: string | readonly string[];
  /** Whether the prompt tells what an OCR system read. @default false */
  readonly ocr?: boolean | undefined;
  /** The longest answer, in tokens. */
  readonly maxTokens: number;
  /** What a reader of the score must know. @default nothing */
  readonly remarks?: readonly string[] | undefined;
  /** @default the task writes answers only, and others score them */
  readonly scoring?: Scoring | undefined;
  /** How those others take the answers. @default nobody else does */
  readonly handover?: Handover | undefined;
  /** Whether each question is asked twice, with EmbQ and without. @default false */
  readonly bothWays?: boolean | undefined;
  /**
   * The samples in the order of the data, one by one.
   * @throws `usage` naming the file, and the line where there is one
   */
  read(data: DataFolder, options: ReadOptions): AsyncIterable<Sample>;
}

export interface ReadOptions {
  /** False where nobody will look at the pictures: then they need not be read. */
  readonly pictures: boolean;
  /** Called for each question of the task that is not asked. @default nobody counts them */
  readonly leftOut?: (() => void) | undefined;
}

/** A benchmark. */
export interface Task {
  /** What the command calls it. */
  readonly name: string;
  readonly title: string;
  readonly forms: Partial<Readonly<Record<Protocol, Form>>>;
}

/** Short answers: the suffix of LLaVA-1.5 (`docs/Evaluation.md`). */
export const SHORT_ANSWER = "\nAnswer the question using a single word or phrase.";
/** Options: the suffix of LLaVA-1.5 (`docs/Evaluation.md`). */
export const OPTION_LETTER = "\nAnswer with the option's letter from the given choices directly.";
/** What both ways generate at most where a task says nothing. Source: `flashsloth/eval/model_vqa_loader.py`, `lmms_eval/models/FlashSloth.py`. */
export const LONGEST_ANSWER = 2000;
