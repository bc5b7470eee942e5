import type { FolderFiles } from "../core/files/folder-files.ts";
import { byteAlphabet } from "./byte-alphabet.ts";
import { invalidFile } from "./read-text.ts";
import { readTokenizerFiles, type RawTokenizer } from "./tokenizer-files.ts";
import type { Tokenizer } from "./types.ts";

const EOS = "</s>";
const END_OF_TEXT = "<|endoftext|>";
const LEARNABLE = "<learnable>";
/** ` .` in the byte alphabet, where Ġ is the space */
const QUERY_BASE = "\u0120.";

type Refuse = (reason: string) => never;

const quote = (text: string): string => JSON.stringify(text.slice(0, 80));

export interface ReadTokenizerOptions {
  readonly files: FolderFiles;
  /** rows of the token embedding, which no id may leave */
  readonly vocabSize: number;
}

export interface ReadTokenizer {
  readonly tokenizer: Tokenizer;
  /** names of the files that it was read from */
  readonly files: readonly string[];
  /** what is unusual about it, as sentences */
  readonly remarks: readonly string[];
}

/**
 * The tokenizer of a checkpoint, in whatever files it was saved. `<learnable>`, whose embedding is never read, gets an id of its own
 * where no file knows it.
 * @throws `checkpoint-invalid` naming the file and the token or merge that does not fit
 */
export async function readTokenizer({ files, vocabSize }: ReadTokenizerOptions): Promise<ReadTokenizer> {
  const raw = await readTokenizerFiles(files);
  const refuse: Refuse = (reason) => {
    throw invalidFile(raw.where, reason);
  };
  const remarks = [...raw.remarks];
  const known = withLearnable(raw, remarks);
  const tokens = tokensById(known, vocabSize, refuse);
  checkBytes(known.vocab, refuse);
  checkMerges(known, refuse);
  const added = addedTokens(known, tokens, vocabSize, refuse);
  const idOf = (text: string): number => {
    const id = added.find((token) => token.text === text)?.id ?? known.vocab.get(text);
    return id ?? refuse(`the tokenizer has no token ${quote(text)}`);
  };
  const tokenizer = {
    tokens,
    merges: known.merges,
    added,
    eos: idOf(EOS),
    endOfText: idOf(END_OF_TEXT),
    learnable: idOf(LEARNABLE),
    queryBase: known.vocab.get(QUERY_BASE) ?? refuse('the vocabulary has no token " ."'),
  };
  return { tokenizer, files: raw.files, remarks };
}

/** The tokens with `<learnable>` among them, after all others where no file has it. */
function withLearnable(raw: RawTokenizer, remarks: string[]): RawTokenizer {
  const { vocab, added } = raw;
  if (vocab.has(LEARNABLE) || added.some(({ text }) => text === LEARNABLE)) return raw;
  const id = added.reduce((next, token) => Math.max(next, token.id + 1), vocab.size);
  remarks.push(
    `no file of the tokenizer has ${LEARNABLE}: it is taken to be token ${id}, which nothing reads`,
  );
  return { ...raw, added: [...added, { id, text: LEARNABLE, special: true }] };
}

/** The vocabulary turned round: ids 0 to n - 1, each once. */
function tokensById({ vocab }: RawTokenizer, vocabSize: number, refuse: Refuse): string[] {
  if (vocab.size > vocabSize) refuse(`${vocab.size} tokens, vocab_size is ${vocabSize}`);
  const byId: (string | undefined)[] = Array.from({ length: vocab.size });
  for (const [text, id] of vocab) {
    if (id >= vocab.size) refuse(`token ${quote(text)} has id ${id}, beyond the ${vocab.size} tokens`);
    const other = byId[id];
    if (other !== undefined) refuse(`tokens ${quote(other)} and ${quote(text)} have the same id ${id}`);
    byId[id] = text;
  }
  return byId.map((text, id) => text ?? refuse(`no token has id ${id}`));
}

/** Every byte has a token of its own, so that any text can be written. */
function checkBytes(vocab: ReadonlyMap<string, number>, refuse: Refuse): void {
  for (const [byte, character] of byteAlphabet().entries()) {
    if (!vocab.has(character)) refuse(`the vocabulary has no token for byte ${byte} (${quote(character)})`);
  }
}

function checkMerges({ vocab, merges }: RawTokenizer, refuse: Refuse): void {
  const seen = new Set<string>();
  for (const merge of merges) {
    const [left = "", right = "", ...rest] = merge.split(" ");
    if (left === "" || right === "" || rest.length > 0) refuse(`merge ${quote(merge)} is not of two parts`);
    if (seen.has(merge)) refuse(`merge ${quote(merge)} is listed twice`);
    seen.add(merge);
    for (const text of [left, right, left + right]) {
      if (!vocab.has(text)) {
        refuse(`merge ${quote(merge)} needs ${quote(text)}, which is not in the vocabulary`);
      }
    }
  }
}

/** Added tokens in the order of their ids, `<|endoftext|>` among them where the vocabulary holds it. */
function addedTokens(
  { added, vocab }: RawTokenizer,
  tokens: readonly string[],
  vocabSize: number,
  refuse: Refuse,
): Tokenizer["added"] {
  const byId = new Map<number, { id: number; text: string; special: boolean }>();
  const seen = new Set<string>();
  for (const { id, text, special } of added) {
    if (text === "") refuse(`the added token ${id} is empty`);
    if (id >= vocabSize) refuse(`added token ${quote(text)} has id ${id}, vocab_size is ${vocabSize}`);
    const ordinary = tokens[id];
    const known = vocab.get(text);
    if ((ordinary !== undefined && ordinary !== text) || (known !== undefined && known !== id)) {
      refuse(`added token ${quote(text)} with id ${id} contradicts the vocabulary`);
    }
    const other = byId.get(id);
    if (other !== undefined) refuse(`added tokens ${quote(other.text)} and ${quote(text)} share id ${id}`);
    if (seen.has(text)) refuse(`added token ${quote(text)} is listed twice`);
    seen.add(text);
    byId.set(id, { id, text, special: special || isSpecial(text) });
  }
  for (const text of [EOS, END_OF_TEXT, LEARNABLE]) {
    const id = vocab.get(text);
    if (id !== undefined && !byId.has(id)) byId.set(id, { id, text, special: true });
  }
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

function isSpecial(text: string): boolean {
  return text === EOS || text === END_OF_TEXT || text === LEARNABLE;
}
