import { visionAccuracy } from "../core/model/vision-accuracy.ts";
import { showBytes } from "../core/show-bytes.ts";
import { pullModel, type PulledModel } from "../store/pull.ts";
import type { PullFlags } from "./commands/pull.ts";
import { EXIT } from "./exit.ts";
import { showStoreProgress } from "./terminal/progress.ts";
import { GOES_ON, runCommand } from "./run-command.ts";

/** `pull`: brings a model to this disk and says what that took. */
export async function pull(model: string, flags: PullFlags): Promise<void> {
  await runCommand({ flags, stopped: GOES_ON }, async ({ terminal, signal, print }) => {
    const onProgress = showStoreProgress(terminal);
    const { quant, visionPrecision, visionBudget, calibrate, strict, keepCheckpoint } = flags;
    const variant = { quant, visionPrecision, visionBudget, calibrate };
    const pulled = await pullModel({ model, ...variant, strict, keepCheckpoint, onProgress, signal });
    const { name, directory, manifest, report } = pulled;
    terminal.clear();
    if (flags.json === true) {
      const { source, quant: type } = manifest;
      const vision = visionAccuracy(manifest);
      const made = report && {
        bytes: { checkpoint: report.size, received: report.received, cached: report.cached },
        seconds: report.seconds,
      };
      await print(
        JSON.stringify({ name, directory, ...source, quant: type, vision, size: sizeOf(pulled), ...made }),
      );
      return EXIT.ok;
    }
    if (report !== undefined) {
      const { received, cached, converted, seconds } = report;
      const arrived = [
        ...(received > 0 ? [`${showBytes(received)} downloaded`] : []),
        ...(cached > 0 ? [`${showBytes(cached)} taken from this disk`] : []),
      ];
      const made = converted ? "converted already" : `converted in ${seconds.convert.toFixed(0)} s`;
      const onDisk = `${showBytes(sizeOf(pulled))} on disk`;
      terminal.note(`${arrived.join(", ")} in ${seconds.download.toFixed(0)} s, ${made}, ${onDisk}`);
    }
    const revision = manifest.source.revision?.slice(0, 12);
    const origin = report === undefined ? "on this disk" : manifest.source.repo;
    terminal.note(`${name} is ready (${origin}${revision === undefined ? "" : ` at ${revision}`})`);
    return EXIT.ok;
  });
}

function sizeOf({ manifest }: PulledModel): number {
  return manifest.files.reduce((sum, file) => sum + file.size, 0);
}
