/** A checkpoint's files in the hub's layout, beside its safetensors. */
export const CONFIG_FILE = "config.json";
export const VOCAB_FILE = "vocab.json";
export const MERGES_FILE = "merges.txt";
export const ADDED_TOKENS_FILE = "added_tokens.json";
/** in place of the three before */
export const WHOLE_TOKENIZER_FILE = "tokenizer.json";
