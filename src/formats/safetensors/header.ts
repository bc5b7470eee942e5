import type { ByteSource } from "../../core/files/bytes.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { isJsonObject, parseEntry, type HeaderEntry } from "./entry.ts";
import { MAX_HEADER_BYTES, showName } from "./limits.ts";

const LENGTH_BYTES = 8;
const METADATA = "__metadata__";

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  /** where the data begins in the file */
  readonly dataOffset: number;
}

/** A refusal of the file, in one line that names it. */
export function invalid(file: string, reason: string, cause?: unknown): FlashSlothError {
  return new FlashSlothError("checkpoint-invalid", `${file}: ${reason}`, {
    cause,
    hint: "the file is damaged or incomplete: fetch it again",
  });
}

/**
 * Reads and checks the header of a safetensors file: 8 bytes of little-endian length, that many bytes of JSON, then the
 * tensors' bytes, which the entries must cover exactly once
 * (https://github.com/huggingface/safetensors#format).
 * @throws `checkpoint-invalid` with the file, the tensor and the reason
 */
export async function readHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const { name: file, size } = source;
  if (size < LENGTH_BYTES) throw invalid(file, `${size} bytes are too few for a safetensors file`);
  const prefix = await source.read(0, LENGTH_BYTES);
  const announced = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (announced > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(file, `a header of ${announced} bytes, more than the ${MAX_HEADER_BYTES} allowed`);
  }
  const length = Number(announced);
  if (LENGTH_BYTES + length > size) {
    throw invalid(file, `a header of ${length} bytes in a file of ${size}: the file is cut short`);
  }

  const text = decodeHeader(file, await source.read(LENGTH_BYTES, length));
  const json = parseObject(file, text);
  const dataOffset = LENGTH_BYTES + length;
  const metadata = readMetadata(file, json[METADATA]);
  const entries = new Map<string, HeaderEntry>();
  let keys = Object.keys(json).length + metadata.size;
  for (const [name, described] of Object.entries(json)) {
    if (name === METADATA) continue;
    const entry = parseEntry(described, size - dataOffset);
    if (typeof entry === "string") throw invalid(file, `tensor ${showName(name)} ${entry}`);
    entries.set(name, entry);
    keys += isJsonObject(described) ? Object.keys(described).length : 0;
  }
  // JSON.parse keeps the last of two equal keys, so that the text then has more of them than the value
  if (countKeys(text) !== keys) throw invalid(file, "the header names something twice");
  checkCoverage(file, entries, size - dataOffset);
  return { entries, metadata, dataOffset };
}

function decodeHeader(file: string, bytes: Uint8Array): string {
  if (bytes[0] !== "{".charCodeAt(0)) throw invalid(file, "the header does not begin with {");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalid(file, "the header is not UTF-8", error);
  }
}

function parseObject(file: string, text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(file, "the header is not JSON", error);
  }
  if (!isJsonObject(json)) throw invalid(file, "the header is not a JSON object");
  return json;
}

function readMetadata(file: string, json: unknown): Map<string, string> {
  const metadata = new Map<string, string>();
  if (json === undefined) return metadata;
  if (!isJsonObject(json)) throw invalid(file, `${METADATA} is not an object`);
  for (const [key, value] of Object.entries(json)) {
    if (typeof value !== "string") {
      throw invalid(file, `${METADATA}: the value of ${showName(key)} is not a string`);
    }
    metadata.set(key, value);
  }
  return metadata;
}

/** Keys in a JSON text: its colons outside strings. */
function countKeys(text: string): number {
  let keys = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (inString) {
      if (char === "\\") i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === ":") keys++;
  }
  return keys;
}

/** Every byte of the data belongs to exactly one tensor. */
function checkCoverage(file: string, entries: ReadonlyMap<string, HeaderEntry>, dataBytes: number): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  let last = "the header";
  for (const [name, { begin, end }] of inOrder) {
    const shown = `tensor ${showName(name)}`;
    if (begin < covered) throw invalid(file, `${shown} begins at byte ${begin}, inside ${last}`);
    if (begin > covered)
      throw invalid(file, `bytes ${covered}..${begin} before ${shown} belong to no tensor`);
    covered = end;
    last = shown;
  }
  if (covered !== dataBytes) throw invalid(file, `bytes ${covered}..${dataBytes} belong to no tensor`);
}
