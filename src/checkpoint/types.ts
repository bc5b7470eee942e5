import type { Dtype } from "../core/model/dtype.ts";
import type { Shape } from "../core/model/shape.ts";

/** Every size of a FlashSloth, taken from `config.json` and the tensors' shapes, checked against each other. */
export interface CheckpointConfig {
  /** the Phi-2 language model */
  readonly text: {
    readonly hiddenSize: number;
    readonly intermediateSize: number;
    readonly layers: number;
    readonly heads: number;
    readonly vocabSize: number;
    readonly contextLength: number;
    readonly ropeTheta: number;
    /** rotated dimensions of each head (32 of 80) */
    readonly rotaryDims: number;
    readonly normEps: number;
  };
  /** the SigLIP vision encoder; `layers` counts the blocks that are used (26), `grid` patches a side (27) */
  readonly vision: {
    readonly hiddenSize: number;
    readonly intermediateSize: number;
    readonly layers: number;
    readonly heads: number;
    readonly imageSize: number;
    readonly patchSize: number;
    readonly grid: number;
    readonly normEps: number;
  };
  /** spatial attention pooling over windows of `window` x `window` patches */
  readonly sap: { readonly window: number };
  /** EmbQ: runs before decoder layer `layer`; attention width (576), width of the second attention's values (1152) */
  readonly embq: {
    readonly layer: number;
    readonly heads: number;
    readonly queries: number;
    readonly width: number;
    readonly valueWidth: number;
  };
  /** five crops instead of one */
  readonly hd: boolean;
}

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: Shape;
  /** bytes in the file */
  readonly byteLength: number;
}

/** The vocabulary in the form both tokenizer layouts lead to. */
export interface Tokenizer {
  /** text of every ordinary token by id, in GPT-2's byte alphabet; index = id, without gaps */
  readonly tokens: readonly string[];
  /** BPE merges in rank order, each `left right` */
  readonly merges: readonly string[];
  /**
   * tokens outside the merges, in the order of their ids; one with an id below `tokens.length` (`<|endoftext|>`) is the same
   * token again, never reached by merges. `special` ones are never produced by a user's text
   */
  readonly added: readonly { readonly id: number; readonly text: string; readonly special: boolean }[];
  /** id of `</s>` */
  readonly eos: number;
  /** id of `<|endoftext|>` */
  readonly endOfText: number;
  /** id of `<learnable>` */
  readonly learnable: number;
  /** id of ` .` (764 in the published vocabulary), whose embedding is added to the query vectors */
  readonly queryBase: number;
}

/** A validated, lazy view of a FlashSloth checkpoint: no tensor is read before it is asked for. */
export interface Checkpoint {
  readonly directory: string;
  readonly config: CheckpointConfig;
  readonly tokenizer: Tokenizer;
  /** Every tensor that is part of the computation, by name. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Raw little-endian bytes; marks the tensor as consumed. @throws `checkpoint-invalid` for an unknown name */
  readBytes(name: string): Promise<Uint8Array>;
  /** The tensor as float32, row-major; marks it as consumed. */
  readFloat32(name: string): Promise<Float32Array>;
  /** Names that nothing has read yet: after a conversion there must be none. */
  unconsumed(): string[];
  close(): Promise<void>;
}
