import { stat } from "node:fs/promises";
import { FlashSlothError } from "../core/errors.ts";
import { beginEngine } from "../engine/client.ts";
import { argumentJobs } from "../pipeline/sources/arguments.ts";
import { isPictureFile } from "../pipeline/sources/folder.ts";
import { resolveModel } from "../store/resolve.ts";
import { splitArguments } from "./ask-arguments.ts";
import { runAsk } from "./ask.ts";
import type { AskFlags } from "./commands/ask.ts";
import { Interrupts } from "./interrupt.ts";
import { FileOutput, StreamOutput } from "./output.ts";
import { Terminal } from "./terminal.ts";

/** `ask` on the real parts. @returns the exit status */
export async function ask(words: readonly string[], flags: AskFlags): Promise<number> {
  const { images, questions } = await splitArguments(words, flags.question);
  if (images.includes("-") && process.stdin.isTTY) {
    throw new FlashSlothError("usage", "standard input (-) is a terminal, not a picture", {
      hint: 'pipe a picture in: flashsloth ask - "What is this?" < photo.jpg',
    });
  }
  const { stderr, stdout, env } = process;
  const { quiet = false, color } = flags;
  const terminal = await Terminal.open({ stderr, quiet, color, env });
  const interrupts = new Interrupts({
    onFirst: () => terminal.note("finishing this answer; press Ctrl-C again to stop at once"),
    onLast: () => terminal.clear(),
  });
  try {
    return await runAsk(
      {
        images,
        questions,
        recursive: flags.recursive ?? false,
        model: flags.model,
        download: flags.download,
        quant: flags.quant,
        visionPrecision: flags.visionPrecision,
        device: flags.device,
        threads: flags.threads,
        ask: {
          maxTokens: flags.maxTokens,
          temperature: flags.temperature,
          topP: flags.topP,
          seed: flags.seed,
          embq: flags.embq,
        },
        timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
        json: flags.json ?? false,
        bench: flags.bench ?? false,
      },
      {
        terminal,
        interrupts,
        gatherPictures: argumentJobs,
        openOutput: async () => {
          const standard = new StreamOutput(stdout);
          if (flags.output === undefined) return standard;
          await refuseOverwriting(flags.output, { images, recursive: flags.recursive ?? false });
          return FileOutput.open(flags.output, standard);
        },
        resolveModel,
        beginEngine,
      },
    );
  } finally {
    terminal.clear();
    interrupts.dispose();
  }
}

/** @throws `usage` when the output file is one of the pictures, by whatever name */
async function refuseOverwriting(
  path: string,
  { images, recursive }: { readonly images: readonly string[]; readonly recursive: boolean },
): Promise<void> {
  const target = await stat(path).catch(() => undefined);
  if (target?.isFile() !== true) return;
  // what is no picture is in no folder of pictures: a long list need not be walked for it
  const inFolders = await isPictureFile(path).catch(() => true);
  for (const image of images) {
    const given = image === "-" ? undefined : await stat(image).catch(() => undefined);
    if (given === undefined || (given.isDirectory() && !inFolders)) continue;
    for await (const job of argumentJobs({ arguments: [image], recursive, questions: [] })) {
      if (!("input" in job) || typeof job.input !== "string") continue;
      const picture = await stat(job.input).catch(() => undefined);
      if (picture?.dev !== target.dev || picture.ino !== target.ino) continue;
      throw new FlashSlothError("usage", `the answers would overwrite the picture ${job.label}`, {
        hint: "name another file with -o",
      });
    }
  }
}
