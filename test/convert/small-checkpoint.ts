import { writeSyntheticCheckpoint } from "../synthetic/checkpoint.ts";
import { PUBLISHED_SIZES, type SyntheticSizes } from "../synthetic/shapes.ts";

/** Rows of whole K-quant blocks (256), the published vocabulary: about 100 MB of which llama.cpp quantises half. */
const SMALL_SIZES: SyntheticSizes = {
  ...PUBLISHED_SIZES,
  hiddenSize: 256,
  intermediateSize: 1024,
  layers: 9,
  heads: 4,
  vision: { ...PUBLISHED_SIZES.vision, hiddenSize: 128, intermediateSize: 256, layers: 2, heads: 4 },
};

/** Writes a checkpoint that converts in a second or two, in four shards. */
export async function writeSmallCheckpoint(directory: string): Promise<void> {
  await writeSyntheticCheckpoint({ directory, sizes: SMALL_SIZES, shardBytes: 20_000_000 });
}
