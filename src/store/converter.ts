import { FlashSlothError } from "../core/errors.ts";
import type { OnStoreProgress } from "./progress.ts";

/** What the store asks of a converter. */
export interface ConversionRequest {
  /** folder of a FlashSloth checkpoint in the hub's layout */
  readonly checkpoint: string;
  /** folder to write; its manifest comes last */
  readonly out: string;
  /** the model's name, for its manifest */
  readonly name: string;
  readonly source: { readonly repo: string; readonly revision: string | null };
  /** @default the converter's */
  readonly quant?: string | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Converter = (request: ConversionRequest) => Promise<unknown>;

/** What the converter writes. */
const WRITTEN_QUANT = "f16";

/** The project's converter, loaded only when something is converted. */
export const convertWithProject: Converter = async (request) => {
  const { convertCheckpoint } = await import("../convert/convert.ts");
  const { checkpoint, out, name, source, quant, onProgress, signal } = request;
  if (quant !== undefined && quant !== WRITTEN_QUANT) {
    throw new FlashSlothError("usage", `the language model cannot be converted to ${quant}`, {
      hint: `leave the weight type at ${WRITTEN_QUANT}`,
    });
  }
  await convertCheckpoint({
    checkpoint,
    out,
    name,
    source,
    onProgress: ({ stage, done, total }) => onProgress?.({ stage: "convert", step: stage, done, total }),
    signal,
  });
};
