import { Option, type Command } from "commander";
import type { Shard } from "../../pipeline/sources/shard.ts";
import { byteCount, parallelCount, shardValue } from "../values.ts";

/** How the commands go about many pictures. */
export interface ManyFlags {
  readonly timeout?: number;
  readonly parallel: number | "auto";
  readonly shard?: Shard;
  readonly cache: boolean;
  readonly cacheSize?: number;
}

export function parallelOption(): Option {
  return new Option("--parallel <n>", "questions to work on at once, or auto: what is best for the device")
    .argParser(parallelCount)
    .default("auto");
}

export function shardOption(): Option {
  return new Option(
    "--shard <k/n>",
    "only the K-th of N parts of the pictures, told apart by their names",
  ).argParser(shardValue);
}

export function cacheOptions(command: Command): Command {
  return command
    .option("--no-cache", "neither use nor keep what was seen of a picture before")
    .option(
      "--cache-size <bytes>",
      "how much may be kept of pictures, such as 500M (default: 3.2 GB)",
      byteCount,
    );
}
