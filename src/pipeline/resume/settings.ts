import { createHash } from "node:crypto";
import { variantOf, type Manifest } from "../../core/model/manifest.ts";
import type { AskSettings, Question } from "../job.ts";

/** Everything that changes answers, as rows of answers carry it; what is not set is absent. */
export interface Settings {
  readonly model: string;
  /** commit of the hub's repository, or what stands for the model's files */
  readonly revision: string;
  readonly quant: string;
  readonly vision: string;
  readonly max_tokens: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly seed?: number;
  readonly embq?: false;
  readonly choices?: readonly string[];
  readonly normalize?: string;
  readonly exact_choices?: true;
  /** hex digits that stand for a JSON schema */
  readonly schema?: string;
  /** hex digits that stand for what is set for one question alone */
  readonly own?: string;
}

/** What answers by that model to questions that are asked so depend on. */
export function settingsOf(
  manifest: Pick<Manifest, "name" | "source" | "quant" | "vision" | "files">,
  ask: AskSettings,
): Settings {
  const { name, source, files } = manifest;
  const { quant, visionPrecision, visionBudget } = variantOf(manifest);
  const { maxTokens = 512, temperature = 0, topP = 1, seed = 0, embq = true, constraint } = ask;
  const sums = files.map(({ name: file, sha256 }) => `${file} ${sha256}\n`).sort();
  return {
    model: name,
    revision: source.revision ?? digest(sums.join("")),
    quant,
    vision: visionBudget === undefined ? visionPrecision : `${visionPrecision} within ${visionBudget}`,
    max_tokens: maxTokens,
    ...(temperature > 0 && { temperature, top_p: topP, seed }),
    ...(!embq && { embq }),
    ...(constraint?.kind === "choices" && {
      choices: constraint.texts,
      ...(constraint.normalize !== undefined && { normalize: constraint.normalize }),
      ...(constraint.spellings === "exact" && { exact_choices: true as const }),
    }),
    ...(constraint?.kind === "schema" && { schema: digest(JSON.stringify(constraint.schema)) }),
  };
}

/** Stands for what is set for one question alone; undefined where that is nothing. */
export function ownOf({ ask }: Question): string | undefined {
  return ask === undefined ? undefined : digest(JSON.stringify(ask));
}

/** The same, with what is set for one question. */
export function settingsFor(settings: Settings, question: Question): Settings {
  const own = ownOf(question);
  return own === undefined ? settings : { ...settings, own };
}

/** Which parts differ, a line each: `max_tokens: 512 there, 64 here`. What is set for single questions is left out. */
export function differences(there: Settings, here: Settings): string[] {
  const parts = (settings: Settings): Map<string, string> =>
    new Map(Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)]));
  const [old, now] = [parts(there), parts(here)];
  const names = [...new Set([...now.keys(), ...old.keys()])].filter((name) => name !== "own");
  return names
    .filter((name) => old.get(name) !== now.get(name))
    .map((name) => `${name}: ${old.get(name) ?? "not set"} there, ${now.get(name) ?? "not set"} here`);
}

/**
 * What an answer is about, whatever the picture is called: 24 hex digits.
 * @param content what stands for the picture's bytes
 */
export function keyOf(content: string, question: string, settings: Settings): string {
  return digest(JSON.stringify([content, question, settings]));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}
