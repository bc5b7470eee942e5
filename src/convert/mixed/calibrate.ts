import type { Checkpoint } from "../../checkpoint/types.ts";
import { GraphBuilder } from "../../formats/onnx/builder.ts";
import type { TensorInput } from "../../onnxruntime/session.ts";
import { Layers } from "../onnx/layers.ts";
import { embedPatches } from "../onnx/siglip.ts";
import { compress } from "../onnx/write.ts";
import type { OnWritten } from "../progress.ts";
import { type MeasuredMatrix, measureBlock } from "./measure-block.ts";
import { runGraph, type RunGraphOptions } from "./run-graph.ts";

export interface CalibrateOptions extends Pick<RunGraphOptions, "scratch" | "signal"> {
  readonly checkpoint: Checkpoint;
  /** crops of pictures, uint8 [S, S, 3] each */
  readonly crops: readonly Uint8Array[];
  /** The matrices are rounded one by one on the first so many, which takes several times as long as passing through. */
  readonly measured: number;
  /** Told of blocks, not of bytes. @default nobody */
  readonly onProgress?: OnWritten | undefined;
}

/** What the exact encoder makes of a picture. */
export interface ExactPicture {
  /** [patches * width] */
  readonly features: Float32Array;
  /** [windows * hidden] */
  readonly tokens: Float32Array;
}

export interface Calibration {
  /** every matrix of the encoder's blocks, in their order */
  readonly matrices: readonly MeasuredMatrix[];
  /** of each crop */
  readonly exact: readonly ExactPicture[];
}

/**
 * Sends pictures through the exact encoder, block by block, and measures at each what its matrices cost as int8. Of the weights,
 * one block's are in memory and on the disk at a time.
 * @throws `checkpoint-invalid`, `disk`, `interrupted`
 */
export async function calibrate(options: CalibrateOptions): Promise<Calibration> {
  const { checkpoint, measured, scratch, signal, onProgress } = options;
  const { layers } = checkpoint.config.vision;
  const matrices: MeasuredMatrix[] = [];
  let x = await embedded(options);
  for (let layer = 0; layer < layers; layer++) {
    onProgress?.({ written: layer, total: layers });
    const block = await measureBlock({ checkpoint, scratch, signal, layer, measured, inputs: x });
    matrices.push(...block.matrices);
    x = block.outputs;
  }
  const tokens = await compressed(options, x);
  onProgress?.({ written: layers, total: layers });
  const exact = x.map((features, at) => ({ features, tokens: tokens[at] ?? new Float32Array() }));
  return { matrices, exact };
}

/** crops -> what the first block reads */
async function embedded({ checkpoint, crops, ...rest }: CalibrateOptions): Promise<readonly Float32Array[]> {
  const { vision } = checkpoint.config;
  const { imageSize: side, grid, hiddenSize } = vision;
  const shape = [1, side, side, 3];
  const g = new GraphBuilder("patches");
  const y = embedPatches(new Layers(g, checkpoint), vision, g.input("pixels", "uint8", shape));
  g.output("y", y, [1, grid * grid, hiddenSize]);
  const inputs = crops.map((data): TensorInput => ({ type: "uint8", data, shape }));
  return await firstOutputs({ ...rest, graph: g.build(), inputs, wanted: ["y"] });
}

/** features -> visual tokens */
async function compressed(
  { checkpoint, scratch, signal }: CalibrateOptions,
  features: readonly Float32Array[],
): Promise<readonly Float32Array[]> {
  const { vision, sap, text } = checkpoint.config;
  const shape = [1, vision.grid ** 2, vision.hiddenSize];
  const g = new GraphBuilder("compression");
  const y = compress(new Layers(g, checkpoint), checkpoint.config, g.input("features", "float32", shape));
  g.output("y", y, [1, (vision.grid / sap.window) ** 2, text.hiddenSize]);
  const inputs = features.map((data): TensorInput => ({ type: "float32", data, shape }));
  return await firstOutputs({ scratch, signal, graph: g.build(), inputs, wanted: ["y"] });
}

async function firstOutputs(options: RunGraphOptions): Promise<readonly Float32Array[]> {
  return (await runGraph(options)).map(([y]) => y ?? new Float32Array());
}
