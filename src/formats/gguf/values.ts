import type { HeaderCursor } from "./cursor.ts";
import { VALUE_TYPES, type ArrayValue, type GgufValue, type ScalarValue } from "./types.ts";

/** A chat template is the longest text of real files, some ten kilobytes. */
export const MAX_STRING_BYTES: number = 2 ** 20;
/** The largest vocabularies have some 300,000 tokens and as many merges. */
export const MAX_ARRAY_ITEMS: number = 2 ** 22;

type ValueType = keyof typeof VALUE_TYPES;
type ScalarType = ScalarValue["type"];

const TYPE_BY_ID: ReadonlyMap<number, ValueType> = new Map(
  Object.entries(VALUE_TYPES).map(([type, id]) => [id, type as ValueType]),
);

/** The fewest bytes one item takes in the file. */
const ITEM_BYTES: Readonly<Record<ScalarType, number>> = {
  uint8: 1,
  int8: 1,
  bool: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  uint64: 8,
  int64: 8,
  float64: 8,
  string: 8,
};

/** A metadata value behind its type number. @throws `model-invalid` for types and sizes outside the limits */
export function readValue(cursor: HeaderCursor, key: string): GgufValue {
  const type = readType(cursor, key);
  if (type !== "array") return readScalar(cursor, type, key);
  const of = readType(cursor, key);
  if (of === "array") return cursor.refuse(`${key} is an array of arrays`);
  const items = cursor.count(`the number of items of ${key}`, MAX_ARRAY_ITEMS);
  cursor.expectRoom(key, items, ITEM_BYTES[of]);
  const values: ScalarValue["value"][] = [];
  for (let index = 0; index < items; index++) values.push(readScalar(cursor, of, key).value);
  return { type, of, values } as ArrayValue;
}

function readType(cursor: HeaderCursor, key: string): ValueType {
  const id = cursor.uint32();
  return TYPE_BY_ID.get(id) ?? cursor.refuse(`${key} has the unknown value type ${id}`);
}

function readScalar(cursor: HeaderCursor, type: ScalarType, key: string): ScalarValue {
  if (type === "string") return { type, value: cursor.string(key, MAX_STRING_BYTES) };
  const field = cursor.field(ITEM_BYTES[type]);
  switch (type) {
    case "uint8":
      return { type, value: field.getUint8(0) };
    case "int8":
      return { type, value: field.getInt8(0) };
    case "uint16":
      return { type, value: field.getUint16(0, true) };
    case "int16":
      return { type, value: field.getInt16(0, true) };
    case "uint32":
      return { type, value: field.getUint32(0, true) };
    case "int32":
      return { type, value: field.getInt32(0, true) };
    case "float32":
      return { type, value: field.getFloat32(0, true) };
    case "float64":
      return { type, value: field.getFloat64(0, true) };
    case "uint64":
      return { type, value: field.getBigUint64(0, true) };
    case "int64":
      return { type, value: field.getBigInt64(0, true) };
    default:
      return { type, value: field.getUint8(0) !== 0 };
  }
}
