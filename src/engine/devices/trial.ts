import { builtModule } from "../../core/built-module.ts";
import { askChild } from "../../core/machine/child.ts";
import type { Backend, Provider } from "../../core/model/device.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { LanguageNumbers, Reference, VisionNumbers } from "../../core/model/reference.ts";
import { REFERENCE_VERSION } from "../../core/model/reference.ts";
import type { FormName } from "../../vision/form.ts";

/** What is to be tried, in a process of its own: a driver may end it, and no library can be unloaded. */
export interface TrialRequest {
  /** A converted model's folder. */
  readonly directory: string;
  /** What encodes the reference picture. @default nothing: only the language model is tried, on what the CPU makes of it */
  readonly vision?: Provider | undefined;
  /** How it does. @default "single" */
  readonly form?: FormName | undefined;
  /** What answers about it. @default nothing: only the vision side is tried */
  readonly language?: Backend | undefined;
  /** @default as `Engine` */
  readonly threads?: number | undefined;
}

/** What a device computed, and how long that took, in milliseconds. */
export interface TrialReport {
  readonly vision?: {
    readonly numbers: VisionNumbers;
    /** The same of the picture as the last of a run that is full. @default that device takes one crop at a time */
    readonly together?: VisionNumbers | undefined;
    /** `first` is the first picture, for which a GPU compiles its kernels, with EmbQ; `again` the next picture alone */
    readonly ms: { readonly load: number; readonly first: number; readonly again: number };
  };
  readonly language?: {
    readonly numbers: LanguageNumbers;
    /** what ggml calls the device, and the libraries that it computes with */
    readonly about: string;
    readonly ms: { readonly load: number; readonly prefill: number; readonly token: number };
  };
}

/** A report; or why there is none, in words that follow the device's name. */
export type TrialResult = { readonly report: TrialReport } | { readonly failed: string };

/** What the child says. */
export type TrialReply = { readonly report: TrialReport } | { readonly refused: string };

/** A model of gigabytes is read, and computes, on a slow machine; a driver that hangs must not take forever. */
const LONGEST_MS = 600_000;

export type TryDevice = (request: TrialRequest, signal?: AbortSignal) => Promise<TrialResult>;

/**
 * Loads a model on a device in a process of its own and computes what is known of it.
 * @throws `interrupted` when aborted; `native` when no process could be started
 */
export const runTrial: TryDevice = async (request, signal) => {
  const module = builtModule("../worker.js", import.meta.url);
  const options = { module, request, stderr: "keep", timeoutMs: LONGEST_MS, signal } as const;
  const { reply, end, words } = await askChild(options);
  if (signal?.aborted === true) {
    throw new FlashSlothError("interrupted", "the trial was stopped", { cause: signal.reason });
  }
  const said = lastWords(words);
  if (reply === undefined) return { failed: `its process ${end}${said === undefined ? "" : ` (${said})`}` };
  const answer = reply as TrialReply;
  if ("report" in answer) return answer;
  return { failed: said === undefined ? answer.refused : `${answer.refused} (${said})` };
};

/**
 * What a model computes on the CPU; undefined where it cannot be loaded here.
 * @throws as `runTrial`
 */
export async function measureReference(
  directory: string,
  {
    signal,
    tryDevice = runTrial,
  }: { signal?: AbortSignal | undefined; tryDevice?: TryDevice | undefined } = {},
): Promise<Reference | undefined> {
  const result = await tryDevice({ directory, vision: "cpu", language: "cpu" }, signal);
  if (!("report" in result)) return undefined;
  const { vision, language } = result.report;
  if (vision === undefined || language === undefined) return undefined;
  return { version: REFERENCE_VERSION, vision: vision.numbers, language: language.numbers };
}

const LONGEST_WORDS = 120;

/** The last line that a driver or a library wrote: more often than not it says what it lacks. */
function lastWords(text: string): string | undefined {
  const line = text
    .split("\n")
    .map((each) => each.trim())
    .findLast((each) => each !== "" && !each.startsWith("at "));
  return line === undefined || line.length <= LONGEST_WORDS ? line : `${line.slice(0, LONGEST_WORDS - 1)}…`;
}
