import type { WantedVariant } from "../core/model/variant.ts";
import type { ResolvedModel, ResolveOptions } from "../store/resolve.ts";
import { showStoreProgress } from "./terminal/progress.ts";
import type { CommandContext } from "./run-command.ts";

/** The model that a command line names; what `ModelFlags` has. */
export interface NamedModel extends WantedVariant {
  readonly model: string;
  readonly download: boolean;
}

/** How a command finds its model: fetched and converted first where that is needed, which is shown, and which Ctrl-C stops. */
export function resolveOptions(
  named: NamedModel,
  { terminal, signal }: Pick<CommandContext, "terminal" | "signal">,
): ResolveOptions {
  const { model, quant, visionPrecision, visionBudget } = named;
  return {
    model,
    download: named.download ? undefined : false, // undefined leaves it to the environment
    quant,
    visionPrecision,
    visionBudget,
    onProgress: showStoreProgress(terminal),
    signal,
  };
}

/** What a person should know of a model before asking it anything. */
export function noteOnModel(
  { demo }: ResolvedModel,
  terminal: Pick<CommandContext["terminal"], "note">,
): void {
  if (demo) terminal.note("the demo model knows drawings of coloured shapes and nothing else");
}
