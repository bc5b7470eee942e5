import { basename, resolve } from "node:path";
import type { ConvertFlags } from "./commands/convert.ts";
import { EXIT, statusOfSignal } from "./exit.ts";
import { Interrupts } from "./interrupt.ts";
import { showStoreProgress } from "./progress.ts";
import { Terminal } from "./terminal.ts";

/** `convert`. @returns the exit status */
export async function convert(checkpoint: string, out: string, flags: ConvertFlags): Promise<number> {
  const { stderr, env } = process;
  const terminal = await Terminal.open({ stderr, env, quiet: flags.quiet ?? false, color: flags.color });
  const interrupts = new Interrupts({
    onFirst: () => terminal.note("stopping; press Ctrl-C again to stop at once"),
    onLast: () => terminal.clear(),
  });
  const show = showStoreProgress(terminal);
  try {
    const { convertCheckpoint } = await import("../convert/convert.ts");
    await convertCheckpoint({
      checkpoint,
      out,
      name: flags.name ?? basename(resolve(out)),
      quant: flags.quant,
      visionPrecision: flags.visionPrecision,
      onProgress: ({ stage, done, total }) => show({ stage: "convert", step: stage, done, total }),
      signal: interrupts.signal,
    });
    terminal.clear();
    terminal.note(`converted to ${out}; ask it with: flashsloth ask -m ${out} PICTURE QUESTION`);
    return interrupts.received === undefined ? EXIT.ok : statusOfSignal(interrupts.received);
  } finally {
    terminal.clear();
    interrupts.dispose();
  }
}
