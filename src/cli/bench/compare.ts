import { resolveModel } from "../../store/resolve.ts";
import { benchOptions, type BenchQuestion } from "./options.ts";
import type { BenchFlags } from "../commands/bench.ts";
import { type Compared, comparedVariants } from "./compared.ts";
import { type NamedModel, resolveOptions } from "../resolve-options.ts";
import type { CommandContext } from "../run-command.ts";

/**
 * `bench --compare`: the model that the options name, and others beside it.
 * @returns the report, without a line break at its end
 */
export async function compare(
  asked: BenchQuestion,
  others: string,
  flags: BenchFlags,
  context: CommandContext,
): Promise<string> {
  const directories: string[] = [];
  for (const each of [{}, ...comparedVariants(others)]) {
    const { directory } = await resolveModel(resolveOptions(named(each, flags), context));
    if (!directories.includes(directory)) directories.push(directory);
  }
  const { runComparison } = await import("../../bench/compare.ts");
  const comparison = await runComparison({ ...(await benchOptions(asked, flags, context)), directories });
  const { comparisonCsv, comparisonJson, comparisonMarkdown } =
    await import("../../bench/render-comparison.ts");
  const render =
    flags.json === true ? comparisonJson : flags.csv === true ? comparisonCsv : comparisonMarkdown;
  return render(comparison).replace(/\r?\n$/, "");
}

/** A variant of the model that is named; what it leaves open is as it is there. */
function named(
  each: Compared,
  { model, download, quant, visionPrecision, visionBudget }: BenchFlags,
): NamedModel {
  if ("folder" in each) return { model: each.folder, download };
  const budget = each.visionPrecision === undefined ? visionBudget : each.visionBudget;
  return { model, download, quant, visionPrecision, ...each, visionBudget: budget };
}
