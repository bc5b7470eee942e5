import { join } from "node:path";
import * as v from "valibot";
import { ADDED_TOKENS_FILE, MERGES_FILE, VOCAB_FILE, WHOLE_TOKENIZER_FILE } from "./file-names.ts";
import { invalidFile, parseJson, readText, readTextIfThere } from "./read-text.ts";

/** Many times the size of any GPT-2-style tokenizer's files (1 MB, or 4 MB as one JSON). */
const MAX_BYTES = 64 * 1024 * 1024;

/** What either layout of tokenizer files says, unchecked. */
export interface RawTokenizer {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly string[];
  readonly added: readonly { readonly id: number; readonly text: string; readonly special: boolean }[];
  /** where it came from, for messages */
  readonly where: string;
}

function isIds(json: unknown): json is Record<string, number> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return false;
  return Object.values(json).every((id) => Number.isSafeInteger(id) && id >= 0);
}

/** Text -> id. Not `v.record`, which leaves out keys such as `prototype`: GPT-2 has a token of that name. */
const ids: v.GenericSchema<unknown, Record<string, number>> = v.custom<Record<string, number>>(
  isIds,
  "Invalid type: Expected an object of texts and their ids",
);

interface WholeTokenizer {
  readonly model: {
    readonly type: "BPE";
    readonly vocab: Record<string, number>;
    readonly merges: readonly (string | readonly string[])[];
  };
  readonly added_tokens: readonly { id: number; content: string; special: boolean }[];
}

const wholeSchema: v.GenericSchema<unknown, WholeTokenizer> = v.object({
  model: v.object({
    type: v.literal("BPE"),
    vocab: ids,
    merges: v.array(v.union([v.string(), v.pipe(v.array(v.string()), v.length(2))])),
  }),
  added_tokens: v.optional(
    v.array(
      v.object({
        id: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        content: v.string(),
        special: v.optional(v.boolean(), false),
      }),
    ),
    [],
  ),
});

function parse<T>(schema: v.GenericSchema<unknown, T>, text: string, file: string): T {
  const parsed = v.safeParse(schema, parseJson(text, file));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw invalidFile(file, `${v.getDotPath(issue)?.slice(0, 80) ?? "the file"}: ${issue.message}`);
}

/**
 * Reads `vocab.json` + `merges.txt` + `added_tokens.json`, or else `tokenizer.json`.
 * @throws `checkpoint-invalid` naming the file
 */
export async function readTokenizerFiles(directory: string): Promise<RawTokenizer> {
  const vocabPath = join(directory, VOCAB_FILE);
  const vocabText = await readTextIfThere(vocabPath, MAX_BYTES);
  if (vocabText === undefined) {
    const path = join(directory, WHOLE_TOKENIZER_FILE);
    const text = await readTextIfThere(path, MAX_BYTES);
    if (text === undefined) {
      throw invalidFile(
        directory,
        `holds no tokenizer: neither ${VOCAB_FILE} with ${MERGES_FILE} nor ${WHOLE_TOKENIZER_FILE}`,
      );
    }
    return fromWhole(text, path);
  }
  const mergesPath = join(directory, MERGES_FILE);
  const addedPath = join(directory, ADDED_TOKENS_FILE);
  const merges = parseMerges(await readText(mergesPath, MAX_BYTES));
  const addedText = await readTextIfThere(addedPath, MAX_BYTES);
  const added = addedText === undefined ? {} : parse(ids, addedText, addedPath);
  return {
    vocab: new Map(Object.entries(parse(ids, vocabText, vocabPath))),
    merges,
    added: Object.entries(added).map(([text, id]) => ({ id, text, special: false })),
    where: vocabPath,
  };
}

function fromWhole(text: string, path: string): RawTokenizer {
  const whole = parse(wholeSchema, text, path);
  return {
    vocab: new Map(Object.entries(whole.model.vocab)),
    merges: whole.model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" "))),
    added: whole.added_tokens.map(({ id, content, special }) => ({ id, text: content, special })),
    where: path,
  };
}

/** The lines of `merges.txt`: an optional `#version` first, then one merge each. */
function parseMerges(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines[0]?.startsWith("#version") === true) lines.shift();
  return lines.filter((line) => line !== "");
}
