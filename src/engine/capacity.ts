import { FlashSlothError } from "../core/errors.ts";
import { cropCount, type ModelGeometry } from "../core/model/manifest.ts";
import { KEPT_PICTURES } from "./kept.ts";
import { TEMPLATE_POSITIONS } from "./prompt.ts";
import { WORTH_SHARING } from "./threads.ts";

/** The most questions at once: each takes up to two of llama.cpp's 256 numbers for sequences. */
export const MOST_PARALLEL = 64;
/** Questions at once by the device of the language model, where it was measured. */
const AUTO_PARALLEL: Readonly<Record<string, number>> = { cpu: 8 };
const AUTO_PARALLEL_GPU = 16;
/**
 * Attention reads whole blocks of `CELL_BLOCK` cells: so many short questions to a tiny model, with what is kept of other
 * pictures, fill one. Beside a tiny model's layers the next block costs more than larger batches save.
 */
const AUTO_PARALLEL_TINY = 6;

/**
 * How many questions are worked on at once.
 * @param runs which model runs where. @default one of full size on a CPU
 * @throws `usage` for a number out of range
 */
export function chosenParallel(
  wanted: number | "auto" | undefined,
  runs: { readonly device?: string; readonly hiddenSize?: number } = {},
): number {
  const { device = "cpu", hiddenSize = WORTH_SHARING } = runs;
  if (wanted === undefined || wanted === "auto") {
    if (device === "cpu" && hiddenSize < WORTH_SHARING) return AUTO_PARALLEL_TINY;
    return AUTO_PARALLEL[device] ?? AUTO_PARALLEL_GPU;
  }
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= MOST_PARALLEL) return wanted;
  throw new FlashSlothError("usage", `${wanted} questions cannot be worked on at once`, {
    hint: `choose a number from 1 to ${MOST_PARALLEL}, or auto`,
  });
}

/** llama.cpp's flash attention takes so many rows at a time on a CPU, and fewer one by one (`ops.cpp`, `GGML_FA_TILE_Q`). */
const FLASH_ROWS = 64;

/**
 * Whether flash attention is the faster one: not for prompts so short that a CPU computes it row by row, at twice the time.
 */
export function usesFlashAttention(geometry: ModelGeometry, device: string): boolean {
  return device !== "cpu" || cropCount(geometry) * geometry.tokensPerCrop >= FLASH_ROWS;
}

/** How a device takes the rows of a product: by so many at a time, of which a part costs as much as all. */
export interface RowTile {
  readonly rows: number;
  /** so many beyond full tiles cost little in a graph of their own, and a whole tile together with them */
  readonly spare: number;
}

/**
 * On AMX llama.cpp deals tiles of 32 rows out to its threads, half-empty ones like full ones, and multiplies up to 16 at half
 * the price (`ggml-cpu/amx/mmq.cpp`, `BLOCK_M` and `TILE_M`): 101 rows take as long as 128, and a tenth longer than 5 and then 96.
 */
const AMX_TILE: RowTile = { rows: 32, spare: 16 };

/**
 * The tile in which a device computes a prompt's rows; undefined where it is none, and for a model so tiny that every graph
 * costs more than its products.
 */
export function rowTile(
  { hiddenSize }: Pick<ModelGeometry, "hiddenSize">,
  { device, features }: { readonly device: string; readonly features: readonly string[] },
): RowTile | undefined {
  if (device !== "cpu" || hiddenSize < WORTH_SHARING) return undefined;
  return features.includes("AMX_INT8") ? AMX_TILE : undefined;
}

export interface PositionsOptions {
  readonly geometry: ModelGeometry;
  readonly questionBytes: number;
  readonly maxTokens: number;
}

/** Positions that are enough for a question and its answer, whatever tokens the question has: each is a byte at least. */
export function positionsFor({ geometry, questionBytes, maxTokens }: PositionsOptions): number {
  const picture = cropCount(geometry) * geometry.tokensPerCrop + geometry.queries;
  return Math.min(geometry.contextLength, TEMPLATE_POSITIONS + picture + questionBytes + maxTokens);
}

/** What a language model's context is made for. */
export interface Capacity {
  /** positions of the KV cache */
  readonly cells: number;
  /** numbers for sequences: at work, kept for later, branches */
  readonly sequences: number;
  /** most rows of a batch whose logits are wanted */
  readonly outputs: number;
  /** most rows of a batch: HD's picture with a short question fits */
  readonly batchRows: number;
}

export interface CapacityOptions {
  readonly geometry: ModelGeometry;
  /** sequences at work at once */
  readonly parallel: number;
  /** positions of the longest prompt and answer. @default the model's context */
  readonly positions?: number | undefined;
  /** @default 512 */
  readonly batchRows?: number | undefined;
}

const BATCH_ROWS = 512;
/** A question, the queries and an answer of some hundred tokens. A longer one finds room as long as others are short. */
const POSITIONS_BESIDE_PICTURE = 160;
/** Sequences for the branches of choices, which are computed together as far as these go. */
const BRANCHES = 16;
/** llama.cpp rounds a context up to whole blocks of these. */
const CELL_BLOCK = 256;

/**
 * The fixed size of a context. One sequence always has room for the longest prompt and answer; several share what is enough
 * for as many usual ones.
 */
export function contextCapacity(options: CapacityOptions): Capacity {
  const { geometry, parallel, batchRows = BATCH_ROWS } = options;
  const { positions = geometry.contextLength } = options;
  const usual = cropCount(geometry) * geometry.tokensPerCrop + POSITIONS_BESIDE_PICTURE;
  const cells = Math.ceil(Math.max(positions, parallel * usual) / CELL_BLOCK) * CELL_BLOCK;
  const sequences = 1 + 2 * parallel + KEPT_PICTURES + BRANCHES;
  return { cells, sequences, outputs: sequences, batchRows: Math.min(batchRows, cells) };
}
