import type { WantedVariant } from "../core/variant.ts";
import type { OnStoreProgress } from "./progress.ts";

/** What the store asks of a converter, which has defaults of its own for the variant. */
export interface ConversionRequest extends WantedVariant {
  /** folder of a FlashSloth checkpoint in the hub's layout */
  readonly checkpoint: string;
  /** folder to write; its manifest comes last */
  readonly out: string;
  /** the model's name, for its manifest */
  readonly name: string;
  readonly source: { readonly repo: string; readonly revision: string | null };
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Converter = (request: ConversionRequest) => Promise<unknown>;

/** The project's converter, loaded only when something is converted. */
export const convertWithProject: Converter = async (request) => {
  const { convertCheckpoint } = await import("../convert/convert.ts");
  const { onProgress, ...rest } = request;
  await convertCheckpoint({
    ...rest,
    onProgress: ({ stage, done, total }) => onProgress?.({ stage: "convert", step: stage, done, total }),
  });
};
