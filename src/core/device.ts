/** Where to compute, as a user names it: onnxruntime's provider and llama.cpp's backend follow from it. `auto` takes the best that works. */
export const DEVICES = ["auto", "cpu", "cuda", "metal", "vulkan"] as const;
export type DeviceChoice = (typeof DEVICES)[number];
