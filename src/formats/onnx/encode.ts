import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type Attribute,
  type Dimension,
  ELEMENT_TYPES,
  type GraphMessage,
  type ModelMessage,
  type NodeMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from "./messages.ts";

/** `AttributeProto.AttributeType` */
const ATTRIBUTE_TYPES: Readonly<Record<Attribute["kind"], number>> = { float: 1, int: 2, string: 3, ints: 7 };
/** `TensorProto.DataLocation.EXTERNAL` */
const EXTERNAL = 1;

/** A protocol buffer under construction, with the few field kinds that ONNX needs. */
class Message {
  readonly #writer: BinaryWriter;

  constructor(writer: BinaryWriter) {
    this.#writer = writer;
  }

  text(field: number, value: string): this {
    if (value !== "") this.#writer.tag(field, WireType.LengthDelimited).string(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#writer.tag(field, WireType.LengthDelimited).bytes(value);
    return this;
  }

  integer(field: number, value: number): this {
    this.#writer.tag(field, WireType.Varint).int64(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#writer.tag(field, WireType.Bit32).float(value);
    return this;
  }

  texts(field: number, values: readonly string[]): this {
    // unlike a single text, an empty entry counts: it stands for a left-out optional input
    for (const value of values) this.#writer.tag(field, WireType.LengthDelimited).string(value);
    return this;
  }

  integers(field: number, values: readonly number[]): this {
    for (const value of values) this.integer(field, value);
    return this;
  }

  message(field: number, fill: (inner: Message) => void): this {
    this.#writer.tag(field, WireType.LengthDelimited).fork();
    fill(this);
    this.#writer.join();
    return this;
  }

  messages<T>(field: number, values: Iterable<T>, fill: (inner: Message, value: T) => void): this {
    for (const value of values) this.message(field, (inner) => fill(inner, value));
    return this;
  }
}

/** The bytes of an ONNX file. Field numbers: onnx.proto3 of the ONNX project. */
export function encodeModel(model: ModelMessage): Uint8Array {
  const writer = new BinaryWriter();
  new Message(writer)
    .integer(1, model.irVersion)
    .text(2, model.producer)
    .message(7, (graph) => writeGraph(graph, model.graph))
    .messages(8, Object.entries(model.operatorSets), (set, [domain, version]) =>
      set.text(1, domain).integer(2, version),
    )
    .messages(14, Object.entries(model.metadata), writeEntry);
  return writer.finish();
}

function writeGraph(message: Message, graph: GraphMessage): void {
  message
    .messages(1, graph.nodes, writeNode)
    .text(2, graph.name)
    .messages(5, graph.initializers, writeTensor)
    .messages(11, graph.inputs, writeValueInfo)
    .messages(12, graph.outputs, writeValueInfo);
}

function writeNode(message: Message, node: NodeMessage): void {
  message
    .texts(1, node.inputs)
    .texts(2, node.outputs)
    .text(3, node.name)
    .text(4, node.operator)
    .messages(5, Object.entries(node.attributes), writeAttribute)
    .text(7, node.domain);
}

function writeAttribute(message: Message, [name, attribute]: readonly [string, Attribute]): void {
  message.text(1, name).integer(20, ATTRIBUTE_TYPES[attribute.kind]);
  switch (attribute.kind) {
    case "float":
      message.float(2, attribute.value);
      break;
    case "int":
      message.integer(3, attribute.value);
      break;
    case "string":
      message.bytes(4, new TextEncoder().encode(attribute.value));
      break;
    case "ints":
      message.integers(8, attribute.value);
      break;
  }
}

function writeTensor(message: Message, tensor: TensorMessage): void {
  message.integers(1, tensor.shape).integer(2, ELEMENT_TYPES[tensor.element]).text(8, tensor.name);
  const { data } = tensor;
  if (data.kind === "inline") message.bytes(9, data.bytes);
  else {
    const place = { location: data.location, offset: String(data.offset), length: String(data.length) };
    message.messages(13, Object.entries(place), writeEntry).integer(14, EXTERNAL);
  }
}

function writeValueInfo(message: Message, value: ValueInfoMessage): void {
  message
    .text(1, value.name)
    .message(2, (type) =>
      type.message(1, (tensor) =>
        tensor
          .integer(1, ELEMENT_TYPES[value.element])
          .message(2, (shape) => shape.messages(1, value.shape, writeDimension)),
      ),
    );
}

function writeDimension(message: Message, dimension: Dimension): void {
  if (typeof dimension === "number") message.integer(1, dimension);
  else message.text(2, dimension);
}

function writeEntry(message: Message, [key, value]: readonly [string, string]): void {
  message.text(1, key).text(2, value);
}
