import { DEFAULT_MODEL } from "../core/model/default-model.ts";
import { FlashSlothError } from "../core/errors.ts";
import { closestName } from "../core/closest-name.ts";

/** A repository of the Hugging Face hub, by the name that users give it. */
export interface HubModel {
  readonly kind: "hub";
  /** `flashsloth-3.2b`, or `hf:OWNER/REPO[@REVISION]` */
  readonly name: string;
  /** its folder in the store, without the quantisation */
  readonly folder: string;
  /** `OWNER/REPO` */
  readonly repo: string;
  /** branch, tag or commit; undefined is the default branch */
  readonly revision: string | undefined;
}

export interface DemoModel {
  readonly kind: "demo";
  readonly name: "demo";
}

export interface CatalogueEntry {
  readonly name: string;
  readonly repo: string;
}

export const DEMO_MODEL = "demo" as const;
/** What `revision: undefined` stands for on the hub. */
export const DEFAULT_REVISION = "main" as const;

/** The published models. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  // one crop of 384 x 384, 81 visual tokens
  { name: DEFAULT_MODEL, repo: "Tongbo/FlashSloth-3.2B" },
  // five crops, 405 visual tokens: for text and detail
  { name: "flashsloth-hd-3.2b", repo: "Tongbo/FlashSloth_HD-3.2B" },
];

/** Every plain name that `-m` knows. */
export const MODEL_NAMES: readonly string[] = [...CATALOGUE.map((entry) => entry.name), DEMO_MODEL];

const HUB_PREFIX = "hf:";
/** The hub's own rule for a namespace or a repository name: no leading punctuation, at most 96 characters. */
const REPO_PART = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;
/** A branch, tag or commit: git's safe characters, no `..`. */
const REVISION = /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._/-]{0,127}$/;

/** Whether a text is `OWNER/REPO`. */
export function isRepository(text: string): boolean {
  const parts = text.split("/");
  return parts.length === 2 && parts.every((part) => REPO_PART.test(part) && !part.includes(".."));
}

/**
 * What a plain name or `hf:OWNER/REPO[@REVISION]` stands for; undefined when it is neither.
 * @throws `usage` for a malformed `hf:` name
 */
export function parseModelName(text: string): HubModel | DemoModel | undefined {
  if (text === DEMO_MODEL) return { kind: "demo", name: DEMO_MODEL };
  const entry = CATALOGUE.find((known) => known.name === text.toLowerCase());
  if (entry !== undefined) {
    return { kind: "hub", name: entry.name, folder: entry.name, repo: entry.repo, revision: undefined };
  }
  if (!text.startsWith(HUB_PREFIX)) return undefined;

  const [repo = "", revision, ...rest] = text.slice(HUB_PREFIX.length).split("@");
  const wellFormed =
    isRepository(repo) && rest.length === 0 && (revision === undefined || REVISION.test(revision));
  if (!wellFormed) {
    throw new FlashSlothError("usage", `"${text}" names no hub repository`, {
      hint: "write hf:OWNER/REPO or hf:OWNER/REPO@REVISION",
    });
  }
  const published = CATALOGUE.find((known) => known.repo === repo);
  if (published !== undefined && revision === undefined) {
    return { kind: "hub", name: published.name, folder: published.name, repo, revision };
  }
  const folder = folderName(repo) + (revision === undefined ? "" : `@${folderName(revision)}`);
  return { kind: "hub", name: text, folder, repo, revision };
}

/** A repository or revision as one folder name; the hub's own cache writes `/` as `--` too. */
export function folderName(text: string): string {
  return text.replaceAll("/", "--");
}

/** A `usage` error that lists what could have been meant. */
export function unknownModel(text: string): FlashSlothError {
  const near = closestName(text, MODEL_NAMES);
  const guess = near === undefined ? "" : `did you mean "${near}"? `;
  return new FlashSlothError("usage", `no model is called "${text}", and no folder either`, {
    hint: `${guess}known are ${MODEL_NAMES.join(", ")}, hf:OWNER/REPO[@REVISION], or the path of a folder`,
  });
}
