/** A checkpoint's files in the hub's layout, beside its safetensors. */
export const CONFIG_FILE = "config.json";
export const VOCAB_FILE = "vocab.json";
export const MERGES_FILE = "merges.txt";
export const ADDED_TOKENS_FILE = "added_tokens.json";
/** may stand for the three before */
export const WHOLE_TOKENIZER_FILE = "tokenizer.json";
/** where added tokens may be listed too, with their ids (`added_tokens_decoder`), or by name alone */
export const TOKENIZER_CONFIG_FILE = "tokenizer_config.json";
export const SPECIAL_TOKENS_FILE = "special_tokens_map.json";
/** Ours: the tensors of a vision tower that the checkpoint itself lacks, by SigLIP's own names. */
export const VISION_TOWER_FILE = "vision_tower.safetensors";
