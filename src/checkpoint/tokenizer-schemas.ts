import * as v from "valibot";
import { invalidFile, parseJson } from "./read-text.ts";

function isIds(json: unknown): json is Record<string, number> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return false;
  return Object.values(json).every((id) => Number.isSafeInteger(id) && id >= 0);
}

/** Text -> id. Not `v.record`, which leaves out keys such as `prototype`: GPT-2 has a token of that name. */
export const idsSchema: v.GenericSchema<unknown, Record<string, number>> = v.custom<Record<string, number>>(
  isIds,
  "Invalid type: Expected an object of texts and their ids",
);

/** `tokenizer.json`, as far as it is read. */
export interface WholeTokenizer {
  readonly model: {
    readonly type: "BPE";
    readonly vocab: Record<string, number>;
    readonly merges: readonly (string | readonly string[])[];
  };
  readonly added_tokens: readonly { id: number; content: string; special: boolean }[];
}

const tokenId = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const wholeSchema: v.GenericSchema<unknown, WholeTokenizer> = v.object({
  model: v.object({
    type: v.literal("BPE"),
    vocab: idsSchema,
    merges: v.array(v.union([v.string(), v.pipe(v.array(v.string()), v.length(2))])),
  }),
  added_tokens: v.nullish(
    v.array(v.object({ id: tokenId, content: v.string(), special: v.nullish(v.boolean(), false) })),
    [],
  ),
});

/** A token's text, alone or with how it is looked for. */
type NamedToken = string | { readonly content: string };
const namedToken = v.union([v.string(), v.object({ content: v.string() })]);
/** Something else, such as the number that some of these files hold, names no token. */
const perhapsToken = v.fallback(v.nullish(namedToken), undefined);

/** The tokens that `tokenizer_config.json` and `special_tokens_map.json` name alike. */
export interface SpecialTokens {
  readonly bos_token?: NamedToken | null | undefined;
  readonly eos_token?: NamedToken | null | undefined;
  readonly unk_token?: NamedToken | null | undefined;
  readonly pad_token?: NamedToken | null | undefined;
  readonly additional_special_tokens?: readonly NamedToken[] | null | undefined;
}

const specialEntries = {
  bos_token: perhapsToken,
  eos_token: perhapsToken,
  unk_token: perhapsToken,
  pad_token: perhapsToken,
  additional_special_tokens: v.fallback(v.nullish(v.array(namedToken)), undefined),
};

export const specialTokensSchema: v.GenericSchema<unknown, SpecialTokens> = v.object(specialEntries);

/** `tokenizer_config.json`, as far as it is read; ids are texts. */
export interface TokenizerConfig extends SpecialTokens {
  readonly added_tokens_decoder: Readonly<Record<string, { content: string; special: boolean }>>;
}

export const tokenizerConfigSchema: v.GenericSchema<unknown, TokenizerConfig> = v.object({
  ...specialEntries,
  added_tokens_decoder: v.nullish(
    v.record(
      v.pipe(v.string(), v.regex(/^\d{1,9}$/)),
      v.object({ content: v.string(), special: v.nullish(v.boolean(), false) }),
    ),
    {},
  ),
});

/** The texts of the tokens that are named. */
export function specialTexts(named: SpecialTokens): string[] {
  const { bos_token: bos, eos_token: eos, unk_token: unk, pad_token: pad } = named;
  const all = [bos, eos, unk, pad, ...(named.additional_special_tokens ?? [])];
  return all.flatMap((token) => (token == null ? [] : typeof token === "string" ? token : token.content));
}

/** @throws `checkpoint-invalid` naming the file and the first field that does not fit */
export function parseTokenizerJson<T>(schema: v.GenericSchema<unknown, T>, text: string, file: string): T {
  const parsed = v.safeParse(schema, parseJson(text, file));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw invalidFile(file, `${v.getDotPath(issue)?.slice(0, 80) ?? "the file"}: ${issue.message}`);
}
