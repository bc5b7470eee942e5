import { Option, type Command } from "commander";
import { QUANTS, VISION_PRECISIONS, type VisionPrecision } from "../../core/model/variant.ts";
import { filled } from "../values.ts";
import { calibrateOption, terminalOptions, type TerminalFlags, visionBudgetOption } from "./shared.ts";

export interface ConvertFlags extends TerminalFlags {
  readonly name?: string;
  readonly quant: string;
  readonly visionPrecision: VisionPrecision;
  readonly visionBudget?: number;
  readonly calibrate?: string;
  readonly visionTower?: string;
  readonly strict?: boolean;
}

/** `flashsloth convert <checkpoint-dir> <out-dir>` */
export function addConvert(program: Command): void {
  const command = program
    .command("convert")
    .summary("make a checkpoint loadable")
    .description("Convert a FlashSloth checkpoint in the hub's layout to the files that the runtime loads.")
    .argument("<checkpoint-dir>", "folder with config.json, the tokenizer and *.safetensors")
    .argument("<out-dir>", "folder to write; give it to -m afterwards")
    .option("--name <name>", "the model's name in records (default: the out folder's)", filled("a name"))
    .addOption(
      new Option("--quant <type>", "weight type of the language model").choices(QUANTS).default("f16"),
    )
    .addOption(
      new Option(
        "--vision-precision <type>",
        "weights of the vision encoder; the manifest tells a smaller one's error",
      )
        .choices(VISION_PRECISIONS)
        .default("fp32"),
    )
    .addOption(visionBudgetOption())
    .addOption(calibrateOption())
    .option(
      "--vision-tower <dir>",
      "where the vision tower is, for a checkpoint that lacks it (default: what its config.json names)",
      filled("a folder"),
    )
    .option("--strict", "refuse a checkpoint with tensors that nobody knows, instead of leaving them out");
  terminalOptions(command).action(async (checkpoint: string, out: string, flags: ConvertFlags) => {
    const { convert } = await import("../convert.ts");
    await convert(checkpoint, out, flags);
  });
}
