import { variantOf, visionAccuracy } from "../core/manifest.ts";
import { listModels } from "../store/list.ts";
import { pullModel, type PulledModel } from "../store/pull.ts";
import { removeModel } from "../store/remove.ts";
import { showBytes } from "../core/show-bytes.ts";
import { showVariant } from "../core/variant.ts";
import { verifyModel } from "../store/verify.ts";
import type { ListFlags } from "./commands/list.ts";
import type { PullFlags } from "./commands/pull.ts";
import type { RemoveFlags } from "./commands/remove.ts";
import type { VerifyFlags } from "./commands/verify.ts";
import { EXIT } from "./exit.ts";
import { runStoreCommand } from "./store-command.ts";
import { visible } from "./text.ts";

function sizeOf({ manifest }: PulledModel): number {
  return manifest.files.reduce((sum, file) => sum + file.size, 0);
}

/** `pull`. @returns the exit status */
export async function pull(model: string, flags: PullFlags): Promise<number> {
  return runStoreCommand(flags, async ({ terminal, onProgress, signal, print }) => {
    const { quant, visionPrecision, keepCheckpoint } = flags;
    const pulled = await pullModel({ model, quant, visionPrecision, keepCheckpoint, onProgress, signal });
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
      const { received, cached, seconds } = report;
      const reused = cached > 0 ? `, ${showBytes(cached)} taken from the hub's cache` : "";
      terminal.note(
        `${showBytes(received)} downloaded${reused} in ${seconds.download.toFixed(0)} s, ` +
          `converted in ${seconds.convert.toFixed(0)} s, ${showBytes(sizeOf(pulled))} on disk`,
      );
    }
    const revision = manifest.source.revision?.slice(0, 12);
    const origin = report === undefined ? "on this disk" : manifest.source.repo;
    terminal.note(`${name} is ready (${origin}${revision === undefined ? "" : ` at ${revision}`})`);
    return EXIT.ok;
  });
}

/** `list`. @returns the exit status */
export async function list(flags: ListFlags): Promise<number> {
  return runStoreCommand(flags, async ({ terminal, print }) => {
    const models = await listModels();
    if (flags.json === true) {
      for (const model of models) await print(JSON.stringify(model));
      return EXIT.ok;
    }
    if (models.length === 0) {
      terminal.note("no model is on this disk; `flashsloth pull` fetches one");
      return EXIT.ok;
    }
    const rows = models.map((model) => {
      const { name, quant, vision, size, repo, revision } = model;
      const variant = vision.precision === "fp32" ? quant : showVariant(variantOf(model));
      const from = revision === null ? repo : `${repo}@${revision.slice(0, 12)}`;
      return [name, variant, showBytes(size), from].map((cell) => visible(cell));
    });
    const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    for (const row of rows) {
      await print(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
    }
    return EXIT.ok;
  });
}

/** `remove`. @returns the exit status */
export async function remove(model: string, flags: RemoveFlags): Promise<number> {
  return runStoreCommand(flags, async ({ terminal, onProgress, signal, print }) => {
    const result = await removeModel({ model, onProgress, signal });
    if (flags.json === true) await print(JSON.stringify(result));
    else terminal.note(`removed ${result.name}: ${showBytes(result.bytes)} are free again`);
    return EXIT.ok;
  });
}

/** `verify`. @returns the exit status: 1 when a file is not what it was */
export async function verify(model: string, flags: VerifyFlags): Promise<number> {
  return runStoreCommand(flags, async ({ terminal, onProgress, signal, print }) => {
    const results = await verifyModel({ model, onProgress, signal });
    terminal.clear();
    for (const result of results) {
      if (flags.json === true) {
        await print(JSON.stringify(result));
        continue;
      }
      for (const { name, state } of result.files) await print(`${state.padEnd(10)}  ${visible(name)}`);
      const which = results.length > 1 ? ` (${showVariant(variantOf(result))})` : "";
      if (result.ok) terminal.note(`${result.name}${which} is as it was converted`);
      else terminal.error(`${result.name} in ${result.directory} is damaged`, result.advice);
    }
    return results.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
  });
}
