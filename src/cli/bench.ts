import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BenchReport } from "../bench/report.ts";
import { resolveModel, type ResolvedModel } from "../store/resolve.ts";
import { benchOptions, type BenchQuestion } from "./bench/options.ts";
import type { BenchFlags } from "./commands/bench.ts";
import { EXIT } from "./exit.ts";
import { resolveOptions } from "./resolve-options.ts";
import { runCommand, type CommandContext } from "./run-command.ts";

const QUESTION = "What is in this picture?";

export interface BenchWords {
  readonly image: string | undefined;
  readonly question: string | undefined;
}

/** `bench`: measures a model on this machine and prints a report. */
export async function bench({ image, question = QUESTION }: BenchWords, flags: BenchFlags): Promise<void> {
  await runCommand({ flags, stopped: "there is no result" }, async (context) => {
    if (flags.compare !== undefined) {
      const { compare } = await import("./bench/compare.ts");
      await context.print(await compare({ image, question }, flags.compare, flags, context));
      return EXIT.ok;
    }
    const model = await resolveModel(resolveOptions(flags, context));
    const report =
      flags.cold === true
        ? await measureCold(image, question, model, flags, context)
        : await measureWarm({ image, question }, model, flags, context);
    const { benchCsv, benchJson, benchMarkdown } = await import("../bench/render.ts");
    const render = flags.json === true ? benchJson : flags.csv === true ? benchCsv : benchMarkdown;
    await context.print(render(report).replace(/\r?\n$/, ""));
    return EXIT.ok;
  });
}

async function measureWarm(
  asked: BenchQuestion,
  { directory }: ResolvedModel,
  flags: BenchFlags,
  context: CommandContext,
): Promise<BenchReport> {
  const { runBench } = await import("../bench/run.ts");
  const { model, ...options } = await benchOptions(asked, flags, context);
  return await runBench({ ...options, model: { ...model, directory }, uncompressed: flags.uncompressed });
}

async function measureCold(
  image: string | undefined,
  question: string,
  model: ResolvedModel,
  flags: BenchFlags,
  { terminal, signal }: CommandContext,
): Promise<BenchReport> {
  const { runColdBench } = await import("../bench/run-cold.ts");
  const { samplePicture, SAMPLE_NAME } = await import("../bench/sample-picture.ts");
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-bench-"));
  try {
    const picture = image ?? join(folder, "picture.jpg");
    if (image === undefined) await writeFile(picture, await samplePicture());
    const threads = flags.threads === undefined ? [] : ["--threads", String(flags.threads)];
    const words = ["--model", flags.model, ...deviceWords(flags), ...threads, ...variantWords(flags)];
    return await runColdBench({
      directory: model.directory,
      picture,
      pictureName: image ?? SAMPLE_NAME,
      question,
      words: [...words, "--max-tokens", String(flags.maxTokens)],
      warmup: flags.warmup,
      repeat: flags.repeat,
      onStep: (step) => terminal.status(step),
      signal,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function deviceWords({ device, visionDevice, languageDevice }: BenchFlags): string[] {
  return [
    "--device",
    device,
    ...(visionDevice === undefined ? [] : ["--vision-device", visionDevice]),
    ...(languageDevice === undefined ? [] : ["--language-device", languageDevice]),
  ];
}

/** The options that name a model's variant, as words of a command line. */
function variantWords({ quant, visionPrecision, visionBudget }: BenchFlags): string[] {
  return [
    ...(quant === undefined ? [] : ["--quant", quant]),
    ...(visionPrecision === undefined ? [] : ["--vision-precision", visionPrecision]),
    ...(visionBudget === undefined ? [] : ["--vision-budget", String(visionBudget)]),
  ];
}
