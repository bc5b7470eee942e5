import type { Sizes } from "../../src/bench/flops.ts";

/** The published base model. */
export const PUBLISHED: Sizes = {
  imageSize: 384,
  crops: "squash",
  featuresPerCrop: 729,
  featureWidth: 1152,
  tokensPerCrop: 81,
  hiddenSize: 2560,
  layers: 32,
  vocabSize: 51_200,
  contextLength: 2048,
  queries: 9,
  embqLayer: 7,
  endTokens: [50_296, 50_256],
  layerSizes: {
    visionLayers: 26,
    visionIntermediate: 4304,
    patchSize: 14,
    intermediateSize: 10_240,
    embqWidth: 576,
    embqValueWidth: 1152,
  },
};
