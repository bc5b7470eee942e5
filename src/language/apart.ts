import { builtModule } from "../core/built-module.ts";
import { askChild } from "../core/machine/child.ts";
import { FlashSlothError, type ErrorCode } from "../core/errors.ts";
import type { Quant } from "../core/model/variant.ts";
import type { StoredType } from "./ffi/abi.ts";
import type { StoredTensor } from "./ffi/gguf.ts";

interface QuantizeInput {
  readonly from: string;
  readonly to: string;
  readonly quant: Quant;
  readonly threads: number;
}

/** What llama.cpp does in a process of its own. */
export interface Work {
  readonly quantize: {
    readonly input: QuantizeInput;
    /** whether llama.cpp says that it succeeded */
    readonly result: boolean;
  };
  readonly quantizeRows: {
    readonly input: QuantizeInput & { readonly types: Readonly<Record<string, StoredType>> };
    /** it succeeded: else it throws why */
    readonly result: boolean;
  };
  readonly findTensor: {
    readonly input: { readonly path: string; readonly name: string };
    readonly result: StoredTensor | null;
  };
}

export interface ApartRequest<Name extends keyof Work = keyof Work> {
  readonly work: Name;
  readonly input: Work[Name]["input"];
}

/** What the child process says, once. */
export type ApartReply =
  | { readonly done: unknown }
  | {
      readonly failed: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly hint: string | undefined;
      };
    };

/** What the work returned; or how its process ended, where it did so without a word. */
export type ApartResult<Name extends keyof Work> =
  | { readonly done: Work[Name]["result"] }
  | { readonly died: string };

export interface RunApartOptions {
  /** Ends it at once. @default never */
  readonly signal?: AbortSignal | undefined;
  /** How many native calls it can have at work at a time. @default libuv's own, four */
  readonly poolThreads?: number | undefined;
}

/**
 * Has llama.cpp do something in a process of its own: ggml's base library cannot be loaded again once it was unloaded, and while
 * it stays, another build of llama.cpp would be bound to it.
 * @throws what the work throws; `native` when no process could be started
 */
export async function runApart<Name extends keyof Work>(
  request: ApartRequest<Name>,
  { signal, poolThreads }: RunApartOptions = {},
): Promise<ApartResult<Name>> {
  const module = builtModule("./apart-process.js", import.meta.url);
  const { reply, end } = await askChild({ module, request, signal, poolThreads });
  if (reply === undefined) return { died: `its process ${end}` };
  const answer = reply as ApartReply;
  if ("done" in answer) return answer as ApartResult<Name>;
  const { code, message, hint } = answer.failed;
  throw new FlashSlothError(code, message, { hint });
}
