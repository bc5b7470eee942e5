import { resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { readManifest, variantOf } from "../../../src/core/model/manifest.ts";
import { showVariant } from "../../../src/core/model/variant.ts";
import { MADE_PICTURES, madePicture } from "../../../src/image/made-pictures.ts";
import { relativeError } from "../../../src/convert/relative-error.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { HIDE_USAGE, startedWithout } from "../hidden.ts";

const USAGE = `usage: npm run errors -- EXACT_FOLDER FOLDER... [--hide amx|avx512]

How far the features and the first token's logits of other variants of a model are from an exact one's (f16 with fp32 vision), as
|x - exact x| / |exact x|, on pictures made by arithmetic. It times nothing.
${HIDE_USAGE}`;

/** What a variant makes of one picture. */
interface Seen {
  readonly features: Float32Array;
  /** after the prompt [vocabulary] */
  readonly logits: Float32Array;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { hide: { type: "string" } },
  });
  const folders = positionals.map((folder) => resolve(folder));
  const [exact, ...others] = folders;
  if (exact === undefined || others.length === 0) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  if (startedWithout(values.hide)) return;
  const { geometry } = await readManifest(exact);
  const side = geometry.imageSize;
  const pictures = await Promise.all(
    Array.from({ length: MADE_PICTURES }, async (_, index) => {
      const raw = { width: side, height: side, channels: 3 } as const;
      return new Uint8Array(await sharp(madePicture(index, side), { raw }).png().toBuffer());
    }),
  );
  const expected = await look(exact, pictures);
  console.log("| variant | features | logits, largest | logits, mean | same first token |");
  console.log("|---|---:|---:|---:|---:|");
  for (const folder of others) {
    const seen = await look(folder, pictures);
    const errors = (of: (each: Seen) => Float32Array): number[] =>
      seen.map((each, at) => relativeError(of(each), of(expected[at] ?? each)));
    const logits = errors((each) => each.logits);
    const mean = logits.reduce((sum, error) => sum + error, 0) / logits.length;
    const same = seen.filter(({ logits: own }, at) => best(own) === best(expected[at]?.logits ?? own)).length;
    const figures = [Math.max(...errors((each) => each.features)), Math.max(...logits), mean];
    const cells = figures.map((figure) => figure.toPrecision(2));
    const variant = showVariant(variantOf(await readManifest(folder)));
    console.log(`| ${[variant, ...cells, `${same} of ${seen.length}`].join(" | ")} |`);
  }
}

async function look(directory: string, pictures: readonly Uint8Array[]): Promise<Seen[]> {
  const engine = await Engine.load({ directory, device: "cpu", pictures: pictures.length });
  const seen: Seen[] = [];
  try {
    for (const bytes of pictures) {
      const picture = await engine.encodePicture(bytes);
      const { features } = engine.features(picture);
      let logits = new Float32Array();
      const onLogits = (values: Float32Array, step: number): void => {
        if (step === 0) logits = values.slice();
      };
      await engine.ask(
        picture,
        { question: "What is in this picture?", maxTokens: 1, ignoreEnd: true },
        { onLogits },
      );
      seen.push({ features: features.slice(), logits });
      await engine.release(picture);
    }
  } finally {
    await engine.dispose();
  }
  return seen;
}

function best(logits: Float32Array): number {
  return logits.reduce((winner, value, at) => (value > (logits[winner] ?? 0) ? at : winner), 0);
}

await main();
