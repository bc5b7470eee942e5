import { stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { FlashSlothError } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import type { AttentionLayer } from "../../engine/api.ts";
import type { ExplainFlags } from "../commands/explain.ts";

/** Where maps are drawn. */
export type MapPlace =
  | { readonly kind: "terminal" }
  /** one PNG */
  | { readonly kind: "file"; readonly path: string }
  /** a PNG for each answer */
  | { readonly kind: "folder"; readonly path: string };

/** What is to be shown of where the model looked. */
export interface ExplainRequest {
  readonly layer: AttentionLayer;
  /** counted from 1. @default the mean of all */
  readonly query: number | undefined;
  /** @default nothing is drawn */
  readonly place: MapPlace | undefined;
  /** A file for the attention itself. @default none */
  readonly json: string | undefined;
}

/** Pictures of other kinds than we write, and what else somebody may think that a map is. */
const OTHER_FILE = /^\.(jpe?g|webp|avif|gif|tiff?|svg|heic|heif|bmp|pdf|json|jsonl|html?)$/i;

/**
 * What a command line wants of it.
 * @param others files that the run writes besides
 * @returns undefined where that is nothing
 * @throws `usage` for options that do not go together, and names that nothing can be written to
 */
export async function explainRequest(
  flags: ExplainFlags & { readonly embq: boolean },
  others: readonly string[] = [],
): Promise<ExplainRequest | undefined> {
  const { explain, explainJson: json, explainLayer, explainQuery: query, embq } = flags;
  const layer = explainLayer ?? "embq";
  if (explain === undefined && json === undefined) {
    if (explainLayer === undefined && query === undefined) return undefined;
    const option = query === undefined ? "--explain-layer" : "--explain-query";
    throw usage(`${option} needs --explain or --explain-json`, "for example: --explain map.png");
  }
  if (layer === "sap" && query !== undefined) {
    throw usage("the pooling (sap) has no queries: --explain-query goes with --explain-layer embq");
  }
  if (layer === "embq" && !embq) {
    throw usage("--no-embq leaves nothing to look at", "--explain-layer sap shows the pooling's attention");
  }
  const place = explain === undefined ? undefined : await placeOf(explain);
  const paths = [place !== undefined && "path" in place ? place.path : undefined, json, ...others];
  const written = paths.filter((path) => path !== undefined).map((path) => resolve(path));
  if (new Set(written).size < written.length) {
    throw usage("two things would be written to the same file", "name another file");
  }
  return { layer, query, place, json };
}

async function placeOf(path: string): Promise<MapPlace> {
  if (path === "-") return { kind: "terminal" };
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() === true || /[/\\]$/.test(path)) return { kind: "folder", path };
  const extension = extname(path);
  if (/^\.png$/i.test(extension)) return { kind: "file", path };
  if (there !== undefined || OTHER_FILE.test(extension)) {
    throw usage(`--explain cannot draw to ${visible(path)}`, "name a file that ends in .png, or a folder");
  }
  return { kind: "folder", path };
}

function usage(message: string, hint?: string): FlashSlothError {
  return new FlashSlothError("usage", message, { hint });
}
