import { answerParent } from "../core/machine/answer-parent.ts";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import type { ApartReply, ApartRequest, Work } from "./apart.ts";
import { findStoredTensor } from "./ffi/gguf.ts";
import { loadLlama, type LlamaLibrary } from "./ffi/library.ts";
import { quantizeNatively } from "./ffi/quantize.ts";

/* The child process of `runApart()`: llama.cpp works on other threads, this one waits for the channel to close. */

const WORK: {
  readonly [Name in keyof Work]: (
    library: LlamaLibrary,
    input: Work[Name]["input"],
  ) => Work[Name]["result"] | Promise<Work[Name]["result"]>;
} = {
  quantize: (library, input) => quantizeNatively({ library, ...input }),
  quantizeRows: async (library, input) => {
    // it needs files that `ask` would then have to read in one more piece
    const { quantizeRows } = await import("./ffi/quantize-rows.ts");
    await quantizeRows({ library, ...input });
    return true;
  },
  findTensor: (library, { path, name }) => findStoredTensor(library, path, name),
};

async function answer<Name extends keyof Work>({ work, input }: ApartRequest<Name>): Promise<ApartReply> {
  try {
    const library = await loadLlama("cpu");
    return { done: await WORK[work](library, input) };
  } catch (error) {
    const { code, hint } =
      error instanceof FlashSlothError ? error : { code: "native" as const, hint: undefined };
    return { failed: { code, message: messageOf(error), hint } };
  }
}

answerParent(async (request) => answer(request as ApartRequest));
