import { FlashSlothError } from "../core/errors.ts";
import { CARD_FILE, parseManifest, variantOf, type Manifest } from "../core/model/manifest.ts";
import { refuseLies } from "../core/model/manifest-lies.ts";
import {
  EXACT_PRECISION,
  namedBudget,
  showVariant,
  variantFlags,
  type Variant,
  type WantedVariant,
} from "../core/model/variant.ts";
import { parseModelName } from "./catalogue.ts";
import type { HubFile } from "./hub/listing.ts";

/** A longer model card stays where it is. */
const MAX_CARD_BYTES = 1024 * 1024;

/** Whether a `manifest.json` is one of ours, whatever it may say: other programs have files of that name. */
export function isOurManifest(text: string): boolean {
  try {
    const json: unknown = JSON.parse(text);
    return (
      typeof json === "object" && json !== null && "format" in json && "roles" in json && "files" in json
    );
  } catch {
    return false;
  }
}

/** What is fetched of a converted model, by the manifest and by the hub's own list. */
export interface TravellingModel {
  readonly manifest: Manifest;
  readonly files: readonly HubFile[];
  /** undefined when there is none, or none of a card's size */
  readonly card: HubFile | undefined;
}

/**
 * Reads the manifest of a repository that holds a converted model, and checks it against itself and against the hub's list.
 * @throws `model-invalid` with the first thing that cannot be true
 */
export function readTravellingModel(options: {
  readonly text: string;
  /** what messages call the manifest */
  readonly where: string;
  readonly listing: readonly HubFile[];
}): TravellingModel {
  const { text, where, listing } = options;
  const manifest = parseManifest(text, where);
  refuseLies(manifest, where);
  const files = manifest.files.map(({ name, size, sha256 }) => {
    const listed = listing.find(({ path }) => path === name);
    if (listed === undefined) throw lie(where, `lists ${name}, which is not there`);
    if (listed.size !== size) throw lie(where, `gives ${name} ${size} bytes, and it has ${listed.size}`);
    const { digest } = listed;
    if (digest.kind === "sha256" && digest.hex !== sha256) {
      throw lie(
        where,
        `gives ${name} the hash ${sha256.slice(0, 12)}…, and it has ${digest.hex.slice(0, 12)}…`,
      );
    }
    return listed;
  });
  const listsCard = manifest.files.some(({ name }) => name === CARD_FILE);
  const card = listing.find(({ path, size }) => path === CARD_FILE && size <= MAX_CARD_BYTES);
  return { manifest, files, card: listsCard ? undefined : card };
}

/** A manifest that does not tell the truth about what lies beside it. */
export function lie(where: string, what: string): FlashSlothError {
  return new FlashSlothError("model-invalid", `${where} ${what}`, {
    hint: "whoever converted the model has to upload it again",
  });
}

/** Whether a model is what was asked for, where anything was. */
export function servesWanted(manifest: Pick<Manifest, "quant" | "vision">, wanted: WantedVariant): boolean {
  const { quant, visionPrecision, visionBudget } = variantOf(manifest);
  return (
    (wanted.quant === undefined || wanted.quant === quant) &&
    (wanted.visionPrecision === undefined || wanted.visionPrecision === visionPrecision) &&
    // a bound that nobody named is any
    (wanted.visionBudget === undefined || namedBudget(wanted.visionBudget) === visionBudget)
  );
}

/** @throws `usage` when a converted model is not what was asked for, and says where the other can be had */
export function refuseOtherThan(manifest: Manifest, wanted: WantedVariant, where: string): void {
  if (servesWanted(manifest, wanted)) return;
  const has = variantOf(manifest);
  const { quant = has.quant, visionPrecision = has.visionPrecision } = wanted;
  const known = visionPrecision === has.visionPrecision ? has.visionBudget : undefined;
  const asked = { quant, visionPrecision, visionBudget: wanted.visionBudget ?? known };
  const origin = originName(manifest);
  const flags = variantFlags(asked);
  throw new FlashSlothError(
    "usage",
    `${where} holds ${showVariant(has)}, already converted, and not ${showVariant(asked)}`,
    {
      hint:
        origin === undefined
          ? `ask for${showFlags(has)}, or its owner for the other`
          : `ask for${showFlags(has)}, or make the other with \`flashsloth pull ${origin}${flags}\``,
    },
  );
}

/** As `variantFlags`, with fp32 spelt out: it may be what was asked for by mistake. */
function showFlags(variant: Variant): string {
  const exact = variant.visionPrecision === EXACT_PRECISION;
  return `${variantFlags(variant)}${exact ? ` --vision-precision ${EXACT_PRECISION}` : ""}`;
}

/** The repository that a model's folder was fetched from, converted or to be converted. */
export function repositoryOf({ source, fetchedFrom }: Manifest): string {
  return fetchedFrom?.revision == null ? source.repo : fetchedFrom.repo;
}

/** What `-m` calls the checkpoint that a model was converted from, where that is a repository of the hub. */
export function originName({ source }: Manifest): string | undefined {
  if (source.revision === null) return undefined;
  try {
    return parseModelName(`hf:${source.repo}`)?.name;
  } catch {
    return undefined; // no name of the hub
  }
}
