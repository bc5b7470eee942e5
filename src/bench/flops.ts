import { cropCount, type LayerSizes, type ModelGeometry } from "../core/model/manifest.ts";

/** A model's sizes, all of them known. */
export type Sizes = ModelGeometry & { readonly layerSizes: LayerSizes };

/** The sizes that counting needs; undefined for a folder that was converted before they were recorded. */
export function knownSizes(geometry: ModelGeometry): Sizes | undefined {
  const { layerSizes } = geometry;
  return layerSizes === undefined ? undefined : { ...geometry, layerSizes };
}

/*
 * Floating-point operations of each stage. Counted are the matrix products of the published computation, a multiply
 * and an add as two, [m, k] x [k, n] as 2 m k n (Kaplan et al. 2020, arXiv 2001.08361, section 2.1). Norms, GELU,
 * softmax and biases are left out: they are below 1 %. Work that an implementation does twice is counted once.
 */

function product(m: number, k: number, n: number): number {
  return 2 * m * k * n;
}

/**
 * SigLIP on all crops of a picture: patch convolution, then in each block four projections, scores and mix of every
 * patch with every patch, and the MLP (Zhai et al. 2023, arXiv 2303.15343; `siglip.ts`).
 */
export function encoderFlops(sizes: Sizes): number {
  const { featuresPerCrop: patches, featureWidth: width } = sizes;
  const { visionLayers, visionIntermediate, patchSize } = sizes.layerSizes;
  const conv = product(patches, 3 * patchSize ** 2, width);
  const projections = 4 * product(patches, width, width);
  const attention = 2 * product(patches, patches, width); // all heads together
  const mlp = 2 * product(patches, width, visionIntermediate);
  return cropCount(sizes) * (conv + visionLayers * (projections + attention + mlp));
}

/** Spatial attention pooling and projector on all crops (arXiv 2412.04317, section 3; `sap.ts`, `projector.ts`). */
export function compressFlops(sizes: Sizes): number {
  const { featuresPerCrop: patches, featureWidth: width, tokensPerCrop } = sizes;
  const scores = product(patches, width, width) + product(patches, width, 1);
  const average = product(patches, 1, width);
  return cropCount(sizes) * (scores + average) + projectorFlops(sizes, cropCount(sizes) * tokensPerCrop);
}

/** Linear, GELU, Linear for as many rows as there are visual tokens. */
export function projectorFlops(sizes: Sizes, rows: number): number {
  const { featureWidth: width, hiddenSize: hidden } = sizes;
  return product(rows, width, hidden) + product(rows, hidden, hidden);
}

/**
 * EmbQ: the queries read the question, then every feature of the picture (arXiv 2412.04317, section 3; `embq.ts`).
 * @param text positions of the question that it reads, without the newline after the picture
 */
export function embqFlops(sizes: Sizes, text: number): number {
  const { queries, hiddenSize: hidden, featureWidth } = sizes;
  const { embqWidth: width, embqValueWidth: valueWidth } = sizes.layerSizes;
  const features = cropCount(sizes) * sizes.featuresPerCrop;
  const down = product(queries + text, hidden, width) + product(features, featureWidth, width);
  const question =
    product(queries, width, width) + 2 * product(text, width, width) + 2 * product(queries, width, text);
  const picture =
    product(queries, width, width) +
    product(features, width, width) +
    product(features, featureWidth, valueWidth) +
    product(queries, width, features) +
    product(queries, features, valueWidth);
  return down + question + picture + product(queries, valueWidth, hidden);
}

/**
 * Phi-2 on a prompt: in each layer four projections, causal attention (position i sees i + 1 positions) and the MLP; the
 * output matrix for the last position only.
 * @param reused how many of the positions, from the first on, are in the KV cache already. @default 0
 */
export function prefillFlops(sizes: Sizes, positions: number, reused = 0): number {
  const { hiddenSize: hidden, layers, vocabSize } = sizes;
  const seen = (positions * (positions + 1) - reused * (reused + 1)) / 2;
  const attention = 2 * product(1, hidden, seen);
  return layers * ((positions - reused) * layerFlops(sizes) + attention) + product(1, hidden, vocabSize);
}

/** Phi-2 on one more token. @param position how many came before it */
export function decodeFlops(sizes: Sizes, position: number): number {
  const { hiddenSize: hidden, layers, vocabSize } = sizes;
  const attention = 2 * product(1, hidden, position + 1);
  return layers * (layerFlops(sizes) + attention) + product(1, hidden, vocabSize);
}

/** The weights of one decoder layer, for one position. */
function layerFlops(sizes: Sizes): number {
  const { hiddenSize: hidden, layerSizes } = sizes;
  return 4 * product(1, hidden, hidden) + 2 * product(1, hidden, layerSizes.intermediateSize);
}
