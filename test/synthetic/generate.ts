import { parseArgs } from "node:util";
import { elementCount } from "../../src/core/model/shape.ts";
import { writeSyntheticCheckpoint } from "./checkpoint.ts";
import { checkpointShapes, PUBLISHED_SIZES } from "./shapes.ts";

const USAGE = `usage: npm run synthetic -- DIRECTORY [--hd] [--outliers] [--shard-gb N]

Writes a checkpoint of the published shapes (6.5 GB, about a minute) with weights made from the tensors' names.
  --hd          five crops instead of one
  --outliers    with channels of the vision encoder that stick out, as trained ones have
  --shard-gb N  largest size of one file (default 5, as published)`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      hd: { type: "boolean", default: false },
      outliers: { type: "boolean", default: false },
      "shard-gb": { type: "string", default: "5" },
    },
  });
  const [directory] = positionals;
  const shardBytes = Number(values["shard-gb"]) * 1e9;
  if (directory === undefined || positionals.length > 1 || !(shardBytes > 0)) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  let total = 0;
  for (const shape of checkpointShapes(PUBLISHED_SIZES, true).values()) total += 2 * elementCount(shape);
  let done = 0;
  let shown = 0;
  const started = performance.now();
  await writeSyntheticCheckpoint({
    directory,
    hd: values.hd,
    outliers: values.outliers,
    shardBytes,
    onBytes: (bytes) => {
      done += bytes;
      const tenths = Math.floor((10 * done) / total);
      if (tenths === shown) return;
      shown = tenths;
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.error(`${(done / 1e9).toFixed(1)} of ${(total / 1e9).toFixed(1)} GB, ${seconds} s`);
    },
  });
  console.error(`wrote ${directory}`);
}

await main();
