import { languageKey, visionKey } from "../../caches/keys.ts";
import { VerdictCache, type Verdict, type VerdictKey } from "../../caches/verdicts.ts";
import type { Backend, Provider } from "../../core/device.ts";
import { driversOf, mayHaveGpu, missingVulkan, type DriversOptions } from "../../core/drivers.ts";
import type { Manifest } from "../../core/manifest.ts";
import { REFERENCE_VERSION, type Reference } from "../../core/reference.ts";
import { PRODUCT } from "../../core/version.ts";
import { unavailableBackend } from "../../language/device.ts";
import { LLAMA_RELEASE } from "../../language/ffi/abi.ts";
import { onnxruntimeRelease } from "../../onnxruntime/library.ts";
import { unavailableProvider } from "../../onnxruntime/provider.ts";
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

  /**
   * @param sparing keep to what is known to be unusable, and try nothing where there can be no GPU, as `auto` does
   * @throws `interrupted`
   */
  async judge(side: Side, device: Device, sparing: boolean): Promise<Judgement> {
    const { absentReason: reasonOf = absentReason } = this.#options;
    const absent = reasonOf(side, device, sparing, this.#options);
    if (absent !== undefined) return { verdict: "unusable", reason: absent, tried: false };
    const key = this.#key(side, device);
    const kept = key === undefined ? undefined : await this.#cache.read(key);
    const holds =
      kept !== undefined && (kept.verdict !== "unusable" || (sparing && Date.now() - kept.at < UNUSABLE_MS));
    if (holds) return { ...kept, tried: false };
    return await this.tryNow(side, device);
  }

  /** Tries a device whatever is known, and keeps what comes of it. @throws `interrupted` */
  async tryNow(side: Side, device: Device): Promise<Judgement> {
    const found = await this.#compared(side, device);
    const key = this.#key(side, device);
    const { verdict, reason } = found;
    if (key !== undefined && device !== "cpu") {
      await this.#cache.write(key, { verdict, reason, at: Date.now() });
    }
    return { ...found, tried: true };
  }

  async #compared(side: Side, device: Device): Promise<Omit<Judgement, "tried">> {
    const reference = await this.#reference();
    if (reference === undefined) {
      return {
        verdict: "unusable",
        reason: "the CPU's numbers, to compare it with, cannot be computed here",
      };
    }
    const result = await this.#try(side, device);
    if ("failed" in result) return { verdict: "unusable", reason: result.failed };
    const { report } = result;
    const comparison =
      side === "vision"
        ? report.vision && compareVision(report.vision.numbers, reference.vision)
        : report.language && compareLanguage(report.language.numbers, reference.language);
    if (comparison === undefined) return { verdict: "unusable", reason: "it computed nothing" };
    const { wrong } = comparison;
    return { verdict: wrong === undefined ? "sound" : "wrong", reason: wrong ?? "", report, comparison };
  }

  async #try(side: Side, device: Device): ReturnType<TryDevice> {
    const { directory, threads, tryDevice = runTrial, signal } = this.#options;
    this.#trials++;
    return await tryDevice({ directory, threads, [side]: device }, signal);
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
  #key(side: Side, device: Device): VerdictKey | undefined {
    const { manifest } = this.#options;
    const [language, vision] = [languageKey(manifest), visionKey(manifest)];
    if (language === undefined || vision === undefined) return undefined;
    const [model, other] = side === "vision" ? [vision, ""] : [language, vision];
    const runtime = side === "vision" ? `onnxruntime ${onnxruntimeRelease()}` : `llama.cpp ${LLAMA_RELEASE}`;
    const releases = [PRODUCT, runtime, `reference ${REFERENCE_VERSION}`, other];
    return { model, side, device, releases, drivers: driversOf(device, this.#options) };
  }
}

/** Why a device cannot be there, as far as files tell. */
export function absentReason(
  side: Side,
  device: Device,
  sparing: boolean,
  options: DriversOptions,
): string | undefined {
  const { platform = process.platform } = options;
  if (device === "cpu") return undefined;
  if (sparing && !mayHaveGpu(options)) return "this machine has no GPU";
  const onVulkan = device === "vulkan" || (device === "webgpu" && platform === "linux");
  const vulkan = onVulkan ? missingVulkan(options) : undefined;
  if (vulkan !== undefined) return vulkan;
  return side === "vision" ? unavailableProvider(device as Provider) : unavailableBackend(device as Backend);
}
