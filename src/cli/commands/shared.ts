import { Option, type Command } from "commander";
import { DEFAULT_MODEL } from "../../core/model/default-model.ts";
import { DEVICES, type DeviceChoice } from "../../core/model/device.ts";
import {
  DEFAULT_VISION_BUDGET,
  QUANTS,
  VISION_PRECISIONS,
  type VisionPrecision,
} from "../../core/model/variant.ts";
import { filled, threadCount, visionBudget } from "../values.ts";

/** The options that every command takes. */
export interface TerminalFlags {
  readonly quiet?: boolean;
  readonly color: boolean;
}

export function terminalOptions(command: Command): Command {
  return command
    .option("--quiet", "show no progress, notes or warnings")
    .option("--no-color", "do not colour messages");
}

/** Which model to run, and on what. */
export interface ModelFlags {
  readonly model: string;
  readonly quant?: string;
  readonly visionPrecision?: VisionPrecision;
  readonly visionBudget?: number;
  readonly download: boolean;
  readonly device: DeviceChoice;
  readonly visionDevice?: DeviceChoice;
  readonly languageDevice?: DeviceChoice;
  readonly threads?: number;
}

/** How far mixed vision may be from exact, for every command that may have to make it. */
export function visionBudgetOption(): Option {
  return new Option(
    "--vision-budget <error>",
    `for mixed vision: the largest error that is accepted, as a part of the exact features (default: ${DEFAULT_VISION_BUDGET})`,
  ).argParser(visionBudget);
}

/** Pictures for mixed vision, for the commands that make it. */
export function calibrateOption(): Option {
  return new Option(
    "--calibrate <dir>",
    "for mixed vision: a folder with pictures to measure errors on (default: made by arithmetic)",
  ).argParser(filled("a folder"));
}

/** The options of the commands that run a model. */
export function modelOptions(command: Command): Command {
  return command
    .option(
      "-m, --model <name|dir>",
      "a model's name, or the folder of a checkpoint or a converted model",
      filled("a model's name or folder"),
      DEFAULT_MODEL,
    )
    .addOption(
      new Option(
        "--quant <type>",
        "weight type of the language model, when it must be fetched or converted first",
      ).choices(QUANTS),
    )
    .addOption(
      new Option(
        "--vision-precision <type>",
        "weights of the vision encoder, when it must be fetched or converted first (default: fp32)",
      ).choices(VISION_PRECISIONS),
    )
    .addOption(visionBudgetOption())
    .option("--no-download", "do not fetch a model that is not on this disk")
    .addOption(new Option("--device <device>", "where to compute").choices(DEVICES).default("auto"))
    .addOption(
      new Option("--vision-device <device>", "where the picture is encoded (default: as --device)").choices(
        DEVICES,
      ),
    )
    .addOption(
      new Option("--language-device <device>", "where it is answered (default: as --device)").choices(
        DEVICES,
      ),
    )
    .option("--threads <n>", "threads to compute with (default: the physical cores it may use)", threadCount);
}
