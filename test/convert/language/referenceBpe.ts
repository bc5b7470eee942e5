import type { Tokenizer } from "../../../src/checkpoint/types.ts";

/**
 * Byte-level BPE as GPT-2 defines it (Radford et al. 2019, `encoder.py`), written for clarity: the pattern of the published
 * code with Unicode's own white space, tokens outside the vocabulary split off first, the longest at the leftmost place.
 * Special tokens are not looked for: to this tokenizer they are plain text.
 */
export class ReferenceBpe {
  readonly #ids: Map<string, number>;
  readonly #ranks: Map<string, number>;
  readonly #added: { id: number; text: string }[];
  readonly #cache = new Map<string, number[]>();

  constructor(tokenizer: Tokenizer) {
    this.#ids = new Map(tokenizer.tokens.map((text, id) => [text, id]));
    this.#ranks = new Map(tokenizer.merges.map((merge, rank) => [merge, rank]));
    this.#added = tokenizer.added
      .filter(({ special }) => !special)
      .toSorted((a, b) => b.text.length - a.text.length);
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    let plain = "";
    const flush = (): void => {
      for (const [word] of plain.matchAll(PATTERN)) ids.push(...this.#word(word));
      plain = "";
    };
    for (let at = 0; at < text.length;) {
      const added = this.#added.find((token) => text.startsWith(token.text, at));
      if (added === undefined) {
        plain += text.charAt(at);
        at += 1;
      } else {
        flush();
        ids.push(added.id);
        at += added.text.length;
      }
    }
    flush();
    return ids;
  }

  #word(word: string): number[] {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    let symbols = [...new TextEncoder().encode(word)].map((byte) => BYTE_ALPHABET[byte] ?? "");
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i + 1 < symbols.length; i++) {
        best = Math.min(best, this.#ranks.get(`${symbols[i]} ${symbols[i + 1]}`) ?? best);
      }
      if (best === Number.POSITIVE_INFINITY) break;
      const merged: string[] = [];
      for (let i = 0; i < symbols.length; i++) {
        const pair = `${symbols[i]} ${symbols[i + 1]}`;
        if (i + 1 < symbols.length && this.#ranks.get(pair) === best) {
          merged.push(`${symbols[i]}${symbols[i + 1]}`);
          i++;
        } else merged.push(symbols[i] ?? "");
      }
      symbols = merged;
    }
    const ids = symbols.map((symbol) => {
      const id = this.#ids.get(symbol);
      if (id === undefined) throw new Error(`no token ${symbol}`);
      return id;
    });
    this.#cache.set(word, ids);
    return ids;
  }
}

const PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

function byteAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

/** The printable character that stands for each byte (`bytes_to_unicode` of the published code). */
export const BYTE_ALPHABET: readonly string[] = byteAlphabet();
