import { storePaths } from "../store/home.ts";
import { startEngine } from "../engine/client.ts";
import { resolveModel } from "../store/resolve.ts";
import type { BenchFlags } from "./commands/bench.ts";
import { type Compared, comparedVariants } from "./compared.ts";
import { type NamedModel, resolveOptions } from "./resolve-options.ts";
import type { CommandContext } from "./run-command.ts";

/**
 * `bench --compare`: the model that the options name, and others beside it.
 * @returns the report, without a line break at its end
 */
export async function compare(
  { image, question }: { readonly image: string | undefined; readonly question: string },
  others: string,
  flags: BenchFlags,
  context: CommandContext,
): Promise<string> {
  const { terminal, signal } = context;
  const directories: string[] = [];
  for (const each of [{}, ...comparedVariants(others)]) {
    const { directory } = await resolveModel(resolveOptions(named(each, flags), context));
    if (!directories.includes(directory)) directories.push(directory);
  }
  const { runComparison } = await import("../bench/compare.ts");
  const { samplePicture, SAMPLE_NAME } = await import("../bench/sample-picture.ts");
  const comparison = await runComparison({
    directories,
    model: {
      device: flags.device,
      threads: flags.threads,
      pictures: flags.pictures,
      promptCache: storePaths().prompts,
    },
    picture: image ?? (await samplePicture()),
    pictureName: image ?? SAMPLE_NAME,
    question,
    tokens: flags.maxTokens,
    warmup: flags.warmup,
    repeat: flags.repeat,
    startEngine,
    onStep: (step) => terminal.status(step),
    signal,
  });
  const { comparisonCsv, comparisonJson, comparisonMarkdown } = await import("../bench/render-comparison.ts");
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
