import { byteAlphabet } from "../../../src/checkpoint/byte-alphabet.ts";
import type { GgufValue } from "../../../src/formats/gguf/types.ts";

/** `enum llama_token_type` */
const NORMAL = 1;
const CONTROL = 3;

const TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
/** Beside the question's, what a prompt in that template is made of. */
const ROLES = ["system", "user", "assistant"];

/**
 * A made-up vocabulary of the published size: every byte, the words of one question as a token each, as they are in the
 * published ones, the markers, and as many more as are missing.
 */
export function vocabularyMetadata(
  size: number,
  { question, markers }: { readonly question: string; readonly markers: readonly string[] },
): [string, GgufValue][] {
  const alphabet = byteAlphabet();
  const tokens = [...alphabet];
  const merges: string[] = [];
  for (const word of [...ROLES, ...(question.match(/ ?[A-Za-z]+/g) ?? [])]) {
    const letters = Array.from(Buffer.from(word), (byte) => alphabet[byte] ?? "");
    let built = letters[0] ?? "";
    for (const letter of letters.slice(1)) {
      const longer = built + letter;
      if (!tokens.includes(longer)) {
        tokens.push(longer);
        merges.push(`${built} ${letter}`);
      }
      built = longer;
    }
  }
  const types = Array.from({ length: size }, () => NORMAL);
  for (const marker of markers) {
    types[tokens.length] = CONTROL;
    tokens.push(marker);
  }
  const end = tokens.indexOf("<|im_end|>");
  while (tokens.length < size) tokens.push(`<${tokens.length}>`);
  return [
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: "qwen2" }],
    ["tokenizer.ggml.tokens", { type: "array", of: "string", values: tokens }],
    ["tokenizer.ggml.token_type", { type: "array", of: "int32", values: types }],
    ["tokenizer.ggml.merges", { type: "array", of: "string", values: merges }],
    ["tokenizer.ggml.bos_token_id", { type: "uint32", value: end }],
    ["tokenizer.ggml.eos_token_id", { type: "uint32", value: end }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
    ["tokenizer.chat_template", { type: "string", value: TEMPLATE }],
  ];
}
