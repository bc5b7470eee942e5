import { availableParallelism } from "node:os";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import { loadLlama } from "./ffi/library.ts";
import { quantizeNatively } from "./ffi/quantize.ts";
import type { FromQuantizer, QuantizeRequest } from "./quantize.ts";

/*
 * The child process of `quantize()`. While llama.cpp is at work on a thread of its own, this one waits for the channel
 * to close: when the parent dies, however it dies, so does this process.
 */

const dieWithParent = (): void => {
  process.kill(process.pid, "SIGKILL");
};
process.on("disconnect", dieWithParent);
// Ctrl-C reaches every process of a terminal's foreground group; what follows is the parent's decision
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

async function answer({ from, to, quant }: QuantizeRequest): Promise<FromQuantizer> {
  try {
    const library = await loadLlama("cpu");
    return { ok: await quantizeNatively({ library, from, to, quant, threads: availableParallelism() }) };
  } catch (error) {
    const { code, hint } =
      error instanceof FlashSlothError ? error : { code: "native" as const, hint: undefined };
    return { failed: { code, message: messageOf(error), hint } };
  }
}

process.once("message", (request: QuantizeRequest) => {
  void answer(request).then((reply) =>
    process.send?.(reply, undefined, undefined, () => {
      process.off("disconnect", dieWithParent);
      process.exit(0);
    }),
  );
});
