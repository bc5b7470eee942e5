/** How the vision encoder's matrices are stored: exact, or smaller and less exact. */
export const VISION_PRECISIONS = ["fp32", "fp16", "int8"] as const;
export type VisionPrecision = (typeof VISION_PRECISIONS)[number];
