import { Option, type Command } from "commander";
import { DEFAULT_MODEL } from "../../core/model/default-model.ts";
import { QUANTS, VISION_PRECISIONS, type VisionPrecision } from "../../core/model/variant.ts";
import { filled } from "../values.ts";
import { calibrateOption, terminalOptions, type TerminalFlags, visionBudgetOption } from "./shared.ts";

export interface PullFlags extends TerminalFlags {
  readonly quant?: string;
  readonly visionPrecision?: VisionPrecision;
  readonly visionBudget?: number;
  readonly calibrate?: string;
  readonly strict?: boolean;
  readonly keepCheckpoint?: boolean;
  readonly json?: boolean;
}

/** `flashsloth pull [model]` */
export function addPull(program: Command): void {
  const command = program
    .command("pull")
    .summary("fetch a model")
    .description(
      "Fetch a model from the Hugging Face hub, verify it, and convert it unless it is converted already; or copy a converted " +
        "model's folder into the store. An interrupted pull goes on where it stopped.",
    )
    .argument(
      "[model]",
      "flashsloth-3.2b, flashsloth-hd-3.2b, demo, hf:OWNER/REPO[@REVISION], or a converted model's folder or file:// address",
      filled("a model's name"),
      DEFAULT_MODEL,
    )
    .addOption(
      new Option(
        "--quant <type>",
        "weight type of the language model (default: q4_k_m, the demo f16)",
      ).choices(QUANTS),
    )
    .addOption(
      new Option(
        "--vision-precision <type>",
        "weights of the vision encoder; the manifest tells a smaller one's error (default: fp32)",
      ).choices(VISION_PRECISIONS),
    )
    .addOption(visionBudgetOption())
    .addOption(calibrateOption())
    .option("--strict", "refuse a checkpoint with tensors that nobody knows, instead of leaving them out")
    .option("--keep-checkpoint", "keep the downloaded checkpoint beside the converted model")
    .option("--json", "print the result as one JSON object");
  terminalOptions(command).action(async (model: string, flags: PullFlags) => {
    const { pull } = await import("../pull.ts");
    await pull(model, flags);
  });
}
