import { FlashSlothError } from "../core/errors.ts";

/** Weight types of the language model, from large to small. */
export const QUANT_TYPES = ["f16", "q8_0", "q5_k_m", "q4_k_m"] as const;
export type QuantType = (typeof QUANT_TYPES)[number];

/** @throws `usage` for anything else */
export function quantType(text: string): QuantType {
  const found = QUANT_TYPES.find((type) => type === text);
  if (found !== undefined) return found;
  throw new FlashSlothError("usage", `the language model cannot be converted to ${text}`, {
    hint: `known weight types are ${QUANT_TYPES.join(", ")}`,
  });
}
