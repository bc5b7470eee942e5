import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ByteSink, FileSink } from "../../core/files/bytes.ts";
import { onDisk } from "../../core/files/disk.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Graph } from "./builder.ts";
import { encodeModel } from "./encode.ts";
import { layOutWeights, type WeightLayout, type WeightPlace } from "./layout.ts";
import type { ModelMessage, TensorMessage } from "./messages.ts";

const IR_VERSION = 10;
const OPERATOR_SET = 21;
const MICROSOFT_OPERATOR_SET = 1;

export interface WriteOptions {
  /** Called as weights reach the data file. @default none */
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
  /** Checked before each weight; aborting removes what was written. @default none */
  readonly signal?: AbortSignal | undefined;
}

export interface WriteProgress {
  /** bytes of the data file that are written, and its final length */
  readonly written: number;
  readonly total: number;
}

export interface WriteGraphOptions extends WriteOptions {
  readonly graph: Graph;
  /** an existing folder */
  readonly directory: string;
  /** name of the graph file; the weights go to the same name with `.data` behind it */
  readonly file: string;
  /** Free text for whoever opens the file. @default {} */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Names of the two files, inside the directory. */
export interface GraphFiles {
  readonly graph: string;
  readonly data: string;
}

/**
 * Writes a graph as `<file>` and its weights as `<file>.data`, one weight in memory at a time.
 * The graph file is written last: where it exists, the data is complete.
 * @throws `disk` when a file cannot be written, `interrupted` when aborted, and whatever a weight's `load` throws
 */
export async function writeGraph(options: WriteGraphOptions): Promise<GraphFiles> {
  const { graph, directory, file, metadata = {} } = options;
  const files: GraphFiles = { graph: file, data: `${file}.data` };
  const graphPath = join(directory, files.graph);
  const dataPath = join(directory, files.data);
  const layout = layOutWeights(graph.weights);
  try {
    await FileSink.fill(dataPath, async (sink) => writeWeights(layout, sink, options));
    const encoded = encodeGraph({ graph, places: layout.places, location: files.data, metadata });
    await onDisk(graphPath, writeFile(graphPath, encoded, { flush: true }));
  } catch (error) {
    await Promise.all([rm(graphPath, { force: true }), rm(dataPath, { force: true })]);
    throw error;
  }
  return files;
}

/** The weights one after the other, zeros between them where the layout asks for it. */
export async function writeWeights(
  layout: WeightLayout,
  sink: ByteSink,
  options: WriteOptions = {},
): Promise<void> {
  for (const { weight, offset, length } of layout.places) {
    if (options.signal?.aborted === true) {
      throw new FlashSlothError("interrupted", `stopped before ${sink.name} was complete`, {
        cause: options.signal.reason,
      });
    }
    const data = await weight.load();
    if (data.byteLength !== length) {
      throw new FlashSlothError(
        "internal",
        `${weight.name} gave ${data.byteLength} bytes where its shape needs ${length}`,
      );
    }
    if (sink.position < offset) await sink.write(new Uint8Array(offset - sink.position));
    await sink.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    options.onProgress?.({ written: sink.position, total: layout.size });
  }
}

export interface EncodeGraphOptions {
  readonly graph: Graph;
  /** where each of the graph's weights lies in the data file */
  readonly places: readonly WeightPlace[];
  /** name of the data file, beside the graph file */
  readonly location: string;
  /** @default {} */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** The bytes of a graph file, whose weights lie in a data file that another graph may share. */
export function encodeGraph({ graph, places, location, metadata = {} }: EncodeGraphOptions): Uint8Array {
  const weights = places.map((place) => toTensor(place, location));
  const microsoft = graph.nodes.some((node) => node.domain === "com.microsoft");
  const model: ModelMessage = {
    irVersion: IR_VERSION,
    producer: "flashsloth",
    operatorSets: {
      "": OPERATOR_SET,
      ...(microsoft ? { "com.microsoft": MICROSOFT_OPERATOR_SET } : {}),
    },
    metadata,
    graph: {
      name: graph.name,
      nodes: graph.nodes,
      initializers: [...graph.constants, ...weights],
      inputs: graph.inputs,
      outputs: graph.outputs,
    },
  };
  return encodeModel(model);
}

function toTensor({ weight, offset, length }: WeightPlace, location: string): TensorMessage {
  const { name, element, shape } = weight;
  return { name, element, shape, data: { kind: "external", location, offset, length } };
}
