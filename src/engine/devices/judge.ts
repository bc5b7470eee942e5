import { languageKey, visionKey } from "../../caches/keys.ts";
import { VerdictCache, type Verdict, type VerdictKey } from "../../caches/verdicts.ts";
import type { Backend, Provider } from "../../core/model/device.ts";
import { driversOf, type DriversOptions } from "../../core/machine/drivers.ts";
import type { Manifest } from "../../core/model/manifest.ts";
import { REFERENCE_VERSION, type Reference } from "../../core/model/reference.ts";
import { PRODUCT } from "../../core/version.ts";
import { LLAMA_RELEASE } from "../../language/ffi/abi.ts";
import { onnxruntimeRelease } from "../../onnxruntime/library.ts";
import type { VisionForm } from "../../vision/form.ts";
import { absentReason } from "./absent.ts";
import { compareLanguage, compareVision, type Comparison } from "./compare.ts";
import { measureReference, runTrial, type TrialReport, type TryDevice } from "./trial.ts";

export interface JudgeOptions extends DriversOptions {
  /** A converted model's folder and its manifest. */
  readonly directory: string;
  readonly manifest: Manifest;
  /** A folder for what is found out. */
  readonly verdicts: string;
  /** @default as `Engine` */
  readonly threads?: number | undefined;
  /** @default in a process of its own */
  readonly tryDevice?: TryDevice | undefined;
  /** Why a device cannot be there. @default by the files of drivers and packages */
  readonly absentReason?: typeof absentReason | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Judgement extends Omit<Verdict, "at"> {
  /** whether it was tried just now */
  readonly tried: boolean;
  /** What it was found to compute, when it was tried just now and computed. */
  readonly report?: TrialReport | undefined;
  readonly comparison?: Comparison | undefined;
}

type Side = "vision" | "language";
type Device = Provider | Backend;

/** What may compute one side of a model. */
export type Candidate =
  | { readonly side: "vision"; readonly device: Provider; readonly form: VisionForm }
  | { readonly side: "language"; readonly device: Backend };

export interface JudgeSettings {
  /** Try what did not work again only after a day. @default it is tried again now */
  readonly sparing?: boolean | undefined;
}

/** What did not work may have lacked memory that others held: it is tried again after a day. */
const UNUSABLE_MS = 24 * 60 * 60_000;

/** Decides whether a device computes what the CPU does: by what is known, or by a trial. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #cache: VerdictCache;
  #trials = 0;

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#cache = new VerdictCache(options.verdicts);
  }

  /** processes that were started */
  get trials(): number {
    return this.#trials;
  }

  /** Why a device cannot be there. @param auto try nothing where there can be no GPU */
  absent(side: Side, device: Device, auto: boolean): string | undefined {
    const { absentReason: reasonOf = absentReason } = this.#options;
    return reasonOf(side, device, auto, this.#options);
  }

  /** By what is known, or else by a trial. @throws `interrupted` */
  async judge(candidate: Candidate, { sparing = false }: JudgeSettings = {}): Promise<Judgement> {
    const key = this.#key(candidate);
    const kept = key === undefined ? undefined : await this.#cache.read(key);
    const holds =
      kept !== undefined && (kept.verdict !== "unusable" || (sparing && Date.now() - kept.at < UNUSABLE_MS));
    if (holds) return { ...kept, tried: false };
    return await this.tryNow(candidate);
  }

  /** Tries a device whatever is known, and keeps what comes of it. @throws `interrupted` */
  async tryNow(candidate: Candidate): Promise<Judgement> {
    const found = await this.#compared(candidate);
    const { verdict, reason } = found;
    if (candidate.device !== "cpu") await this.#keep(candidate, { verdict, reason });
    return { ...found, tried: true };
  }

  /** Keeps that a device did not work after all, whatever it was found to be. */
  async distrust(candidate: Candidate, reason: string): Promise<void> {
    await this.#keep(candidate, { verdict: "unusable", reason });
  }

  async #keep(candidate: Candidate, verdict: Omit<Verdict, "at">): Promise<void> {
    const key = this.#key(candidate);
    if (key !== undefined) await this.#cache.write(key, { ...verdict, at: Date.now() });
  }

  async #compared(candidate: Candidate): Promise<Omit<Judgement, "tried">> {
    const reference = await this.#reference();
    if (reference === undefined) {
      return {
        verdict: "unusable",
        reason: "the CPU's numbers, to compare it with, cannot be computed here",
      };
    }
    const result = await this.#try(candidate);
    if ("failed" in result) return { verdict: "unusable", reason: result.failed };
    const { report } = result;
    const comparison = compare(candidate, report, reference);
    if (comparison === undefined) return { verdict: "unusable", reason: "it computed nothing" };
    const { wrong } = comparison;
    return { verdict: wrong === undefined ? "sound" : "wrong", reason: wrong ?? "", report, comparison };
  }

  async #try(candidate: Candidate): ReturnType<TryDevice> {
    const { directory, threads, tryDevice = runTrial, signal } = this.#options;
    this.#trials++;
    const what =
      candidate.side === "vision"
        ? { vision: candidate.device, form: candidate.form.name }
        : { language: candidate.device };
    return await tryDevice({ directory, threads, ...what }, signal);
  }

  /** What the model computes on the CPU: its folder says so, or it was computed here before, or it is computed now. */
  async #reference(): Promise<Reference | undefined> {
    const { directory, manifest, tryDevice, signal } = this.#options;
    if (manifest.reference?.version === REFERENCE_VERSION) return manifest.reference;
    const [language, vision] = [languageKey(manifest), visionKey(manifest)];
    const known = language !== undefined && vision !== undefined;
    const key = known ? { language, vision, version: REFERENCE_VERSION } : undefined;
    const kept = key && (await this.#cache.readReference(key));
    if (kept !== undefined) return kept;
    this.#trials++;
    const measured = await measureReference(directory, { signal, tryDevice });
    if (key !== undefined && measured !== undefined) await this.#cache.writeReference(key, measured);
    return measured;
  }

  /** @returns undefined where the manifest does not say which weights the model has: nothing is kept about it */
  #key(candidate: Candidate): VerdictKey | undefined {
    const { side, device } = candidate;
    const { manifest } = this.#options;
    const [language, vision] = [languageKey(manifest), visionKey(manifest)];
    if (language === undefined || vision === undefined) return undefined;
    const [model, other] = side === "vision" ? [vision, ""] : [language, vision];
    const runtime = side === "vision" ? `onnxruntime ${onnxruntimeRelease()}` : `llama.cpp ${LLAMA_RELEASE}`;
    const releases = [PRODUCT, runtime, `reference ${REFERENCE_VERSION}`, other];
    const drivers = driversOf(device, this.#options);
    return { model, side, device: showCandidate(candidate), releases, drivers };
  }
}

/** How a device is told from the same one that computes otherwise: `webgpu`, `webgpu, batch of 8`, `webgpu, float16, batch of 8`. */
export function showCandidate(candidate: Candidate): string {
  const { device } = candidate;
  if (candidate.side === "language" || candidate.form.name === "single") return device;
  const { arithmetic, cropsPerRun } = candidate.form;
  return `${device}, ${arithmetic === "float32" ? "" : `${arithmetic}, `}batch of ${cropsPerRun}`;
}

function compare(
  candidate: Candidate,
  { vision, language }: TrialReport,
  reference: Reference,
): Comparison | undefined {
  if (candidate.side === "language") {
    return language && compareLanguage(language.numbers, reference.language);
  }
  const { arithmetic } = candidate.form;
  return vision && compareVision(vision.numbers, reference.vision, { together: vision.together, arithmetic });
}
