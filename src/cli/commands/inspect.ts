import { Option, type Command } from "commander";
import { DEFAULT_MODEL } from "../../core/model/default-model.ts";
import { QUANTS, VISION_PRECISIONS, type VisionPrecision } from "../../core/model/variant.ts";
import { filled } from "../values.ts";
import { terminalOptions, type TerminalFlags } from "./shared.ts";

export interface InspectFlags extends TerminalFlags {
  readonly quant?: string;
  readonly visionPrecision?: VisionPrecision;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** `flashsloth inspect [repo|dir]` */
export function addInspect(program: Command): void {
  const command = program
    .command("inspect")
    .summary("look at a model before fetching it")
    .description(
      "Show what a repository of the Hugging Face hub or a folder holds, and whether it will convert. Of a repository only the " +
        "small files and the headers of the weights are fetched, and nothing is written. Status 1 when it will not convert.",
    )
    .argument(
      "[repo|dir]",
      "a model's name, hf:OWNER/REPO[@REVISION], OWNER/REPO, or a folder",
      filled("a repository or a folder"),
      DEFAULT_MODEL,
    )
    .addOption(
      new Option("--quant <type>", "weight type that a pull would make (default: q4_k_m)").choices(QUANTS),
    )
    .addOption(
      new Option(
        "--vision-precision <type>",
        "vision weights that a pull would make (default: fp32)",
      ).choices(VISION_PRECISIONS),
    )
    .option("--strict", "count tensors that nobody knows as a problem")
    .option("--json", "print one JSON object");
  terminalOptions(command).action(async (model: string, flags: InspectFlags) => {
    const { inspect } = await import("../inspect.ts");
    await inspect(model, flags);
  });
}
