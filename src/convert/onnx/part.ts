import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onDisk } from "../../core/files/disk.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Graph } from "../../formats/onnx/builder.ts";
import { layOutWeights } from "../../formats/onnx/layout.ts";
import type { ValueInfoMessage } from "../../formats/onnx/messages.ts";
import { encodeGraph } from "../../formats/onnx/write.ts";

/** A value of the whole graph, and what it is in the part. */
export interface PartValue {
  readonly value: string | undefined;
  readonly as: ValueInfoMessage;
}

export interface GraphPartOptions {
  readonly whole: Graph;
  /** what the part is called */
  readonly name: string;
  /** where the part begins */
  readonly inputs: readonly PartValue[];
  readonly output: PartValue;
}

/**
 * What a graph computes on the way from some of its values to another one, as a graph of its own. Its nodes are the whole's, so
 * that it computes as that one does in every precision.
 * @throws `internal` when the way leads past the inputs, or there is none
 */
export function graphPart({ whole, name, inputs, output }: GraphPartOptions): Graph {
  const given = new Map(inputs.map(({ value, as }) => [value, as.name]));
  const needed = new Set([output.value]);
  const nodes = whole.nodes
    .toReversed()
    .filter((node) => {
      const wanted = node.outputs.some((value) => needed.has(value) && !given.has(value));
      if (wanted) for (const value of node.inputs) needed.add(value);
      return wanted;
    })
    .toReversed();
  const constants = whole.constants.filter((constant) => needed.has(constant.name));
  const weights = whole.weights.filter((weight) => needed.has(weight.name));
  const known = new Set<string | undefined>([
    ...given.keys(),
    ...[...constants, ...weights].map((stored) => stored.name),
    ...nodes.flatMap(({ outputs }) => outputs),
    "", // an input that a node does without
  ]);
  const lost = [...needed].some((value) => !known.has(value));
  if (lost || inputs.some(({ value }) => !needed.has(value))) {
    throw new FlashSlothError("internal", `${name} cannot be taken out of the ${whole.name} graph`);
  }
  const inside = (value: string): string =>
    value === output.value ? output.as.name : (given.get(value) ?? value);
  return {
    name,
    nodes: nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(inside),
      outputs: node.outputs.map(inside),
    })),
    constants,
    weights,
    inputs: inputs.map(({ as }) => as),
    outputs: [output.as],
  };
}

export interface WriteGraphPartOptions {
  /** a part, or another graph of the same weights */
  readonly part: Graph;
  /** the graph whose weights they are, as it was written */
  readonly whole: Graph;
  readonly directory: string;
  /** the whole graph's data file, which holds the weights of both */
  readonly data: string;
  readonly file: string;
}

/** Writes a part of a graph: a few KB that point into the whole one's data. @throws `disk` */
export async function writeGraphPart(options: WriteGraphPartOptions): Promise<string> {
  const { part, whole, directory, data, file } = options;
  const shared = new Set(part.weights.map(({ name }) => name));
  const places = layOutWeights(whole.weights).places.filter(({ weight }) => shared.has(weight.name));
  const path = join(directory, file);
  await onDisk(path, writeFile(path, encodeGraph({ graph: part, places, location: data }), { flush: true }));
  return file;
}
