import { readFile } from "node:fs/promises";
import { join } from "node:path";

/*
 * The small files of Tongbo/FlashSloth-3.2B (commit bd05184) and _HD-3.2B (1b95c08) as transformers 4.38 wrote them. Their names and
 * sizes are from the hub's pages; what is in them, where no page shows it, is what the training code of codefanw/FlashSloth writes, to
 * the byte count that the hub lists.
 */

/** As Python's `json.dumps(…, indent=2, sort_keys=True, ensure_ascii=False)` and a newline. */
export function pythonJson(value: unknown): string {
  const sorted = (json: unknown): unknown => {
    if (Array.isArray(json)) return json.map(sorted);
    if (typeof json !== "object" || json === null) return json;
    const entries = Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
  };
  return `${JSON.stringify(sorted(value), undefined, 2)}\n`;
}

/** `config.json` after both stages of training; `image_hd` is what tells the two models apart. */
export function publishedConfig(hd: boolean): Record<string, unknown> {
  return {
    _name_or_path: "./checkpoints/flashsloth-stage1",
    architectures: ["FlashSlothForCausalLM"],
    attention_dropout: 0,
    bos_token_id: 50_256,
    embd_pdrop: 0,
    eos_token_id: 50_256,
    freeze_mm_mlp_adapter: false,
    hidden_act: "gelu_new",
    hidden_size: 2560,
    image_aspect_ratio: "square",
    image_hd: hd,
    initializer_range: 0.02,
    intermediate_size: 10_240,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 2048,
    mm_hidden_size: 1152,
    mm_projector_lr: null,
    mm_projector_type: "mlp2x_gelu",
    mm_use_im_patch_token: false,
    mm_use_im_start_end: false,
    mm_vision_select_feature: "patch",
    mm_vision_select_layer: -2,
    mm_vision_tower: "checkpoints/base/siglip-so400m-patch14-384",
    model_type: "phi",
    num_attention_heads: 32,
    num_hidden_layers: 32,
    num_key_value_heads: 32,
    partial_rotary_factor: 0.4,
    qk_layernorm: false,
    resid_pdrop: 0.1,
    rope_scaling: null,
    rope_theta: 10_000,
    tie_word_embeddings: false,
    tokenizer_model_max_length: 3072,
    tokenizer_padding_side: "right",
    torch_dtype: "float16",
    transformers_version: "4.38.0",
    tune_mm_mlp_adapter: false,
    use_cache: true,
    use_mm_proj: true,
    vocab_size: 51_200,
  };
}

function sought(content: string): Record<string, unknown> {
  return { content, lstrip: false, normalized: false, rstrip: false, single_word: false };
}

function isSpecial(text: string): boolean {
  return ["<|endoftext|>", "<learnable>", "</s>"].includes(text);
}

/** The tokenizer's files in the published forms, of a tokenizer in slow files. */
export async function publishedTokenizer(directory: string): Promise<Record<string, string>> {
  const read = async (name: string): Promise<Record<string, number>> =>
    JSON.parse(await readFile(join(directory, name), "utf8")) as Record<string, number>;
  const [vocab, added] = [await read("vocab.json"), await read("added_tokens.json")];
  const byId = Object.entries({ "<|endoftext|>": vocab["<|endoftext|>"] ?? 0, ...added });
  const decoder = byId.map(([text, id]) => [
    String(id),
    { ...sought(text), normalized: !isSpecial(text), special: isSpecial(text) },
  ]);
  return {
    "vocab.json": pythonJson(vocab),
    "merges.txt": await readFile(join(directory, "merges.txt"), "utf8"),
    "added_tokens.json": pythonJson(added),
    "special_tokens_map.json": pythonJson({
      additional_special_tokens: ["<learnable>"],
      bos_token: sought("<|endoftext|>"),
      eos_token: sought("</s>"),
      pad_token: "<|endoftext|>",
      unk_token: sought("<|endoftext|>"),
    }),
    "tokenizer_config.json": pythonJson({
      add_bos_token: false,
      add_prefix_space: false,
      added_tokens_decoder: Object.fromEntries(decoder) as unknown,
      additional_special_tokens: ["<learnable>"],
      bos_token: "<|endoftext|>",
      clean_up_tokenization_spaces: true,
      eos_token: "</s>",
      errors: "replace",
      model_max_length: 3072,
      pad_token: "<|endoftext|>",
      padding_side: "right",
      tokenizer_class: "CodeGenTokenizer",
      unk_token: "<|endoftext|>",
    }),
    "generation_config.json": `${JSON.stringify(
      {
        _from_model_config: true,
        bos_token_id: 50_256,
        eos_token_id: 50_256,
        transformers_version: "4.38.0",
      },
      undefined,
      2,
    )}\n`,
  };
}
