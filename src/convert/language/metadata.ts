import type { Checkpoint } from "../../checkpoint/types.ts";
import type { GgufValue, SmallNumberType } from "../../formats/gguf/types.ts";
import { vocabulary } from "./vocabulary.ts";

/** llama.cpp's `LLAMA_FTYPE_MOSTLY_F16`. */
const MOSTLY_F16 = 1;
/** Layout of the quantised blocks; ggml's `GGML_QNT_VERSION`. */
const QUANTIZATION_VERSION = 2;

/** Where a model comes from. */
export interface ModelSource {
  /** `owner/name` on the Hugging Face hub, or the folder's name */
  readonly repo: string;
  /** commit of the hub repository; null for a folder */
  readonly revision: string | null;
}

export interface ModelDescription {
  readonly name: string;
  /** SPDX identifier */
  readonly license: string;
  readonly source: ModelSource;
}

/** What llama.cpp has to know of a FlashSloth's language model: keys of `src/llama-arch.cpp`, architecture `phi2`. */
export function languageMetadata(checkpoint: Checkpoint, model: ModelDescription): Map<string, GgufValue> {
  return new Map([...general(model), ...architecture(checkpoint), ...tokenizer(checkpoint)]);
}

function general({ name, license, source }: ModelDescription): [string, GgufValue][] {
  const entries: [string, GgufValue][] = [
    ["general.architecture", text("phi2")],
    ["general.type", text("model")],
    ["general.name", text(name)],
    ["general.basename", text("FlashSloth")],
    ["general.description", text("The language model of a FlashSloth; needs its vision and EmbQ graphs")],
    ["general.license", text(license)],
    ["general.quantization_version", number("uint32", QUANTIZATION_VERSION)],
    ["general.file_type", number("uint32", MOSTLY_F16)],
    ["flashsloth.source.repository", text(source.repo)],
  ];
  if (source.revision !== null) {
    entries.push(
      ["general.source.url", text(`https://huggingface.co/${source.repo}`)],
      ["general.source.huggingface.repository", text(source.repo)],
      ["flashsloth.source.revision", text(source.revision)],
    );
  }
  return entries;
}

function architecture({ config }: Checkpoint): [string, GgufValue][] {
  const { text: model } = config;
  return [
    ["phi2.context_length", number("uint32", model.contextLength)],
    ["phi2.embedding_length", number("uint32", model.hiddenSize)],
    ["phi2.feed_forward_length", number("uint32", model.intermediateSize)],
    ["phi2.block_count", number("uint32", model.layers)],
    ["phi2.attention.head_count", number("uint32", model.heads)],
    ["phi2.attention.head_count_kv", number("uint32", model.heads)],
    ["phi2.attention.layer_norm_epsilon", number("float32", model.normEps)],
    ["phi2.rope.dimension_count", number("uint32", model.rotaryDims)],
    ["phi2.rope.freq_base", number("float32", model.ropeTheta)],
    ["phi2.vocab_size", number("uint32", model.vocabSize)],
  ];
}

function tokenizer({ config, tokenizer: source }: Checkpoint): [string, GgufValue][] {
  const { texts, types } = vocabulary(source, config.text.vocabSize);
  return [
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text("phi-2")],
    ["tokenizer.ggml.tokens", { type: "array", of: "string", values: texts }],
    ["tokenizer.ggml.token_type", { type: "array", of: "int32", values: types }],
    ["tokenizer.ggml.merges", { type: "array", of: "string", values: source.merges }],
    ["tokenizer.ggml.bos_token_id", number("uint32", source.endOfText)],
    ["tokenizer.ggml.eos_token_id", number("uint32", source.eos)],
    // llama.cpp ends an answer at either of the two
    ["tokenizer.ggml.eot_token_id", number("uint32", source.endOfText)],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
    ["tokenizer.ggml.add_eos_token", { type: "bool", value: false }],
  ];
}

function text(value: string): GgufValue {
  return { type: "string", value };
}

function number(type: SmallNumberType, value: number): GgufValue {
  return { type, value };
}
