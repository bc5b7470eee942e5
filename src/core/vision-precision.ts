import { FlashSlothError } from "./errors.ts";

/** How the vision encoder's matrices are stored: exact, or smaller and less exact. */
export const VISION_PRECISIONS = ["fp32", "fp16", "int8"] as const;
export type VisionPrecision = (typeof VISION_PRECISIONS)[number];

/** @throws `usage` for anything else */
export function parseVisionPrecision(text: string): VisionPrecision {
  const found = VISION_PRECISIONS.find((precision) => precision === text);
  if (found !== undefined) return found;
  throw new FlashSlothError("usage", `the vision encoder cannot be converted to ${text}`, {
    hint: `known precisions are ${VISION_PRECISIONS.join(", ")}`,
  });
}
