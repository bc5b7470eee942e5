import { FlashSlothError } from "../../core/errors.ts";
import { QUANTS, VISION_PRECISIONS, type WantedVariant } from "../../core/model/variant.ts";
import { looksLikePath } from "../../store/local.ts";

/** What `bench --compare` measures beside the model that the other options name. */
export type Compared =
  | { readonly folder: string }
  | Pick<WantedVariant, "quant" | "visionPrecision" | "visionBudget">;

/**
 * `q4_0`, `mixed`, `q4_0+mixed`, `q8_0+mixed0.01`, `./a-folder`, with commas between them: variants as the store's folders are
 * called.
 * @throws `usage`
 */
export function comparedVariants(text: string): readonly Compared[] {
  return text.split(",").map((each) => {
    const member = each.trim();
    return looksLikePath(member) ? { folder: member } : variant(member);
  });
}

/** a weight type, a precision, or both; behind the precision a bound */
const GRAMMAR: RegExp = new RegExp(
  `^(?<quant>${QUANTS.join("|")})?(?:(?:^|\\+)(?<precision>${VISION_PRECISIONS.join("|")})(?<bound>[\\d.]+(?:e-\\d+)?)?)?$`,
);

function variant(member: string): Compared {
  const { quant, precision, bound } = GRAMMAR.exec(member)?.groups ?? {};
  const visionPrecision = VISION_PRECISIONS.find((name) => name === precision);
  if (quant === undefined && visionPrecision === undefined) {
    throw new FlashSlothError("usage", `"${member}" is no variant that could be compared`, {
      hint: `write one of ${QUANTS.join(", ")}, one of ${VISION_PRECISIONS.join(", ")}, both like q4_0+mixed, or a folder like ./model`,
    });
  }
  return {
    ...(quant !== undefined && { quant }),
    ...(visionPrecision !== undefined && { visionPrecision }),
    ...(bound !== undefined && { visionBudget: Number(bound) }),
  };
}
