import type { FolderFiles } from "../core/files/folder-files.ts";
import {
  ADDED_TOKENS_FILE,
  MERGES_FILE,
  SPECIAL_TOKENS_FILE,
  TOKENIZER_CONFIG_FILE,
  VOCAB_FILE,
  WHOLE_TOKENIZER_FILE,
} from "./file-names.ts";
import { invalidFile, readText, readTextIfThere } from "./read-text.ts";
import {
  idsSchema,
  parseTokenizerJson,
  specialTexts,
  specialTokensSchema,
  tokenizerConfigSchema,
  wholeSchema,
  type WholeTokenizer,
} from "./tokenizer-schemas.ts";

/** Many times the size of any GPT-2-style tokenizer's files (1 MB, or 4 MB as one JSON). */
const MAX_BYTES = 64 * 1024 * 1024;

interface AddedToken {
  readonly id: number;
  readonly text: string;
  readonly special: boolean;
}

/** What the files of a tokenizer say together, unchecked. */
export interface RawTokenizer {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly string[];
  readonly added: readonly AddedToken[];
  /** where the vocabulary came from, for messages */
  readonly where: string;
  /** names of the files that were read */
  readonly files: readonly string[];
  readonly remarks: readonly string[];
}

/**
 * Reads a tokenizer in whatever files it was saved: the vocabulary and merges from `vocab.json` + `merges.txt`, else from
 * `tokenizer.json`; added tokens from each of these, from `added_tokens.json`, and from `tokenizer_config.json`, whose ids count where
 * two files disagree, as they do in transformers.
 * @throws `checkpoint-invalid` naming the file
 */
export async function readTokenizerFiles(files: FolderFiles): Promise<RawTokenizer> {
  const text = async (file: string): Promise<string | undefined> => readTextIfThere(files, file, MAX_BYTES);
  const vocabText = await text(VOCAB_FILE);
  const mergesText = vocabText === undefined ? undefined : await text(MERGES_FILE);
  const wholeText = await text(WHOLE_TOKENIZER_FILE);
  const whole =
    wholeText === undefined
      ? undefined
      : parseTokenizerJson(wholeSchema, wholeText, files.pathOf(WHOLE_TOKENIZER_FILE));
  const read = wholeText === undefined ? [] : [WHOLE_TOKENIZER_FILE];

  let base: Pick<RawTokenizer, "vocab" | "merges" | "where">;
  if (vocabText !== undefined && mergesText !== undefined) {
    const where = files.pathOf(VOCAB_FILE);
    const vocab = new Map(Object.entries(parseTokenizerJson(idsSchema, vocabText, where)));
    base = { vocab, merges: parseMerges(mergesText), where };
    read.unshift(VOCAB_FILE, MERGES_FILE);
  } else if (whole !== undefined) {
    base = { ...fromWhole(whole), where: files.pathOf(WHOLE_TOKENIZER_FILE) };
  } else if (vocabText === undefined) {
    throw invalidFile(
      files.name,
      `holds no tokenizer: neither ${VOCAB_FILE} with ${MERGES_FILE} nor ${WHOLE_TOKENIZER_FILE}`,
    );
  } else {
    await readText(files, MERGES_FILE, MAX_BYTES); // which is missing
    throw invalidFile(files.name, `holds no ${MERGES_FILE}`);
  }
  const added = new AddedTokens();
  for (const { id, content, special } of whole?.added_tokens ?? []) {
    added.add(WHOLE_TOKENIZER_FILE, { id, text: content, special });
  }
  const addedText = await text(ADDED_TOKENS_FILE);
  if (addedText !== undefined) {
    const ids = parseTokenizerJson(idsSchema, addedText, files.pathOf(ADDED_TOKENS_FILE));
    for (const [name, id] of Object.entries(ids))
      added.add(ADDED_TOKENS_FILE, { id, text: name, special: false });
    read.push(ADDED_TOKENS_FILE);
  }
  const specialText = await text(SPECIAL_TOKENS_FILE);
  if (specialText !== undefined) {
    const named = parseTokenizerJson(specialTokensSchema, specialText, files.pathOf(SPECIAL_TOKENS_FILE));
    added.mark(specialTexts(named));
    read.push(SPECIAL_TOKENS_FILE);
  }
  const configText = await text(TOKENIZER_CONFIG_FILE);
  if (configText !== undefined) {
    const config = parseTokenizerJson(tokenizerConfigSchema, configText, files.pathOf(TOKENIZER_CONFIG_FILE));
    added.mark(specialTexts(config));
    for (const [id, { content, special }] of Object.entries(config.added_tokens_decoder)) {
      added.add(TOKENIZER_CONFIG_FILE, { id: Number(id), text: content, special });
    }
    read.push(TOKENIZER_CONFIG_FILE);
  }
  return { ...base, added: added.list(), files: read, remarks: added.remarks };
}

/** The added tokens of several files, of which a later one counts more. */
class AddedTokens {
  readonly remarks: string[] = [];
  readonly #tokens = new Map<string, AddedToken & { readonly file: string }>();
  /** listed twice in one file: kept, to be refused */
  readonly #twice: AddedToken[] = [];
  readonly #special = new Set<string>();

  add(file: string, token: AddedToken): void {
    const earlier = this.#tokens.get(token.text);
    if (earlier?.file === file) {
      this.#twice.push(token);
      return;
    }
    if (earlier !== undefined && earlier.id !== token.id) {
      const shown = JSON.stringify(token.text.slice(0, 80));
      this.remarks.push(
        `${shown} is token ${earlier.id} in ${earlier.file} and ${token.id} in ${file}, which counts`,
      );
    }
    this.#tokens.set(token.text, { ...token, special: token.special || earlier?.special === true, file });
  }

  /** Special tokens by their text, wherever they have their ids. */
  mark(texts: readonly string[]): void {
    for (const text of texts) this.#special.add(text);
  }

  list(): AddedToken[] {
    return [...this.#tokens.values(), ...this.#twice].map(({ id, text, special }) => ({
      id,
      text,
      special: special || this.#special.has(text),
    }));
  }
}

function fromWhole({ model }: WholeTokenizer): Pick<RawTokenizer, "vocab" | "merges"> {
  return {
    vocab: new Map(Object.entries(model.vocab)),
    merges: model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" "))),
  };
}

/** The lines of `merges.txt`: an optional `#version` first, then one merge each. */
function parseMerges(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines[0]?.startsWith("#version") === true) lines.shift();
  return lines.filter((line) => line !== "");
}
