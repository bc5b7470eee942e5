import type { NativeModel } from "./model.ts";

/** `llama_token_data` in 32-bit words: id, logit, p */
const WORDS = 3;

/** What a grammar needs of a vocabulary: read once a model, with room for one candidate list over all of it. */
export interface GrammarVocabulary {
  /** Tokens that end an answer. */
  readonly ends: readonly number[];
  /** Control tokens that do not: they print as nothing, but llama.cpp's grammar takes them for the text of their names. */
  readonly controls: ReadonlySet<number>;
  /** `llama_token_data` [vocabulary]: the ids are filled in, the logits are whoever's uses it now */
  readonly candidates: Candidates;
}

/** A C array of `llama_token_data`. */
export class Candidates {
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #values: Float32Array;

  constructor(ids: Iterable<number>, count: number) {
    const buffer = new ArrayBuffer(count * WORDS * 4);
    this.bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#values = new Float32Array(buffer);
    let index = 0;
    for (const id of ids) this.setId(index++, id);
  }

  get size(): number {
    return this.#words.length / WORDS;
  }

  setId(index: number, id: number): void {
    this.#words[index * WORDS] = id;
  }

  setLogit(index: number, logit: number): void {
    this.#values[index * WORDS + 1] = logit;
  }

  /** Whether a sampler has ruled the candidate out. */
  isOut(index: number): boolean {
    return this.#values[index * WORDS + 1] === Number.NEGATIVE_INFINITY;
  }
}

const known = new WeakMap<NativeModel, GrammarVocabulary>();

/** Takes one call for each token the first time: some 10 ms for 51,200. */
export function grammarVocabulary(model: NativeModel): GrammarVocabulary {
  const before = known.get(model);
  if (before !== undefined) return before;
  const { functions } = model.library;
  const ids = Array.from({ length: model.vocabSize }, (_, token) => token);
  const special = ids.filter((token) => functions.llama_vocab_is_control(model.vocab, token));
  const ends = special.filter((token) => model.endsGeneration(token));
  const controls = new Set(special.filter((token) => !ends.includes(token)));
  const vocabulary = { ends, controls, candidates: new Candidates(ids, ids.length) };
  known.set(model, vocabulary);
  return vocabulary;
}
