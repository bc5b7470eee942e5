import { variantOf } from "../core/model/manifest.ts";
import { showBytes } from "../core/show-bytes.ts";
import { showVariant } from "../core/model/variant.ts";
import { listModels } from "../store/list.ts";
import type { ListFlags } from "./commands/list.ts";
import { EXIT } from "./exit.ts";
import { runCommand } from "./run-command.ts";
import { visible } from "../core/visible.ts";

/** `list`: a line for each model on this disk. */
export async function list(flags: ListFlags): Promise<void> {
  await runCommand({ flags }, async ({ terminal, print }) => {
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
