import { join } from "node:path";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { Backend, DeviceChoice, Provider } from "../../src/core/model/device.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { FormName } from "../../src/vision/form.ts";
import { DEMO_CHECKPOINT, DRAWINGS, readDrawings } from "../demo/demo-model.ts";
import { openGolden, relativeError, takeRows } from "../golden/golden.ts";
import { PARITY_FIXTURES, writeParityCheckpoint } from "../synthetic/parity.ts";

/** What is measured of one pair of devices. */
export interface DeviceRow {
  readonly vision: Provider;
  /** `float16, 8 crops a run` */
  readonly form: string;
  readonly language: Backend;
  readonly about: string;
  /** relative errors against the published implementation: features, logits */
  readonly goldens: Readonly<Record<string, readonly [features: number, logits: number]>>;
  readonly drawings: { readonly same: number; readonly of: number };
  /** pictures a second through the encoder, when so many are handed over at once */
  readonly picturesPerSecond: { readonly together: number; readonly at: number };
  /** questions a second: one after the other, and so many at once */
  readonly questionsPerSecond: { readonly alone: number; readonly together: number; readonly at: number };
  /** milliseconds of the demo model, medians over the drawings but for the first picture */
  readonly ms: Readonly<Record<"load" | "firstPicture" | "vision" | "prefill" | "embq" | "token", number>>;
}

export interface MeasureOptions {
  readonly visionDevice: DeviceChoice;
  readonly languageDevice: DeviceChoice;
  /** @default the fastest in float32 */
  readonly visionForm?: FormName | undefined;
  /** a folder for converted models, shared by all pairs */
  readonly scratch: string;
  readonly drawings: number;
  /** which goldens: `base` has one crop, `hd` five; the latter takes five times as long */
  readonly goldens: readonly ("base" | "hd")[];
}

const AT_ONCE = 16;
const PICTURES_AT_ONCE = 32;

/** Everything about one pair of devices, in this process: llama.cpp can be loaded for one backend only. */
export async function measureDevices(options: MeasureOptions): Promise<DeviceRow> {
  const { visionDevice, languageDevice, visionForm, scratch, drawings: count } = options;
  const devices = { device: "cpu", visionDevice, languageDevice, visionForm } as const;
  const directory = join(scratch, "demo");
  const start = performance.now();
  const engine = await Engine.load({ directory, ...devices, parallel: AT_ONCE });
  const load = performance.now() - start;
  const { vision, language, about, arithmetic, cropsPerRun } = engine.info.device;
  const drawings = (await readDrawings()).slice(0, count);
  const times = {
    vision: [] as number[],
    prefill: [] as number[],
    embq: [] as number[],
    token: [] as number[],
  };
  let same = 0;
  const began = performance.now();
  for (const { image, question, pytorch } of drawings) {
    const picture = await engine.encodePicture(join(DRAWINGS, image));
    const { text, ms, tokens } = await engine.ask(picture, { question });
    await engine.release(picture);
    same += text === pytorch ? 1 : 0;
    times.vision.push(picture.ms.vision);
    times.prefill.push(ms.prefill);
    times.embq.push(ms.embq);
    if (tokens.answer > 1) times.token.push(ms.decode / (tokens.answer - 1));
  }
  const alone = (1000 * drawings.length) / (performance.now() - began);
  const encoding = performance.now();
  const many = drawings.slice(0, PICTURES_AT_ONCE);
  const encoded = await Promise.all(
    many.map(async ({ image }) => engine.encodePicture(join(DRAWINGS, image))),
  );
  const encodedIn = performance.now() - encoding;
  for (const picture of encoded) await engine.release(picture);
  const pictures = await Promise.all(
    drawings.slice(0, AT_ONCE).map(async ({ image, question }) => ({
      question,
      picture: await engine.encodePicture(join(DRAWINGS, image)),
    })),
  );
  const asked = performance.now();
  await Promise.all(pictures.map(async ({ picture, question }) => engine.ask(picture, { question })));
  const together = (1000 * pictures.length) / (performance.now() - asked);
  await engine.dispose();

  const goldens: Record<string, [number, number]> = {};
  for (const variant of options.goldens) goldens[variant] = await goldenErrors(variant, options);
  return {
    vision,
    form: `${arithmetic}, ${cropsPerRun} a run`,
    language,
    about,
    goldens,
    drawings: { same, of: drawings.length },
    picturesPerSecond: { together: (1000 * encoded.length) / encodedIn, at: encoded.length },
    questionsPerSecond: { alone, together, at: pictures.length },
    ms: {
      load,
      firstPicture: times.vision[0] ?? Number.NaN,
      vision: median(times.vision.slice(1)),
      prefill: median(times.prefill.slice(1)),
      embq: median(times.embq.slice(1)),
      token: median(times.token.slice(1)),
    },
  };
}

/** Converts what every pair is measured with, once. */
export async function convertModels(scratch: string, goldens: MeasureOptions["goldens"]): Promise<void> {
  await convertCheckpoint({
    checkpoint: DEMO_CHECKPOINT,
    out: join(scratch, "demo"),
    name: "demo",
    overwrite: true,
  });
  for (const golden of goldens) {
    const checkpoint = join(scratch, `${golden}-checkpoint`);
    await writeParityCheckpoint({ golden, directory: checkpoint });
    await convertCheckpoint({
      checkpoint,
      out: join(scratch, golden),
      name: `parity-${golden}`,
      overwrite: true,
    });
  }
}

/** A golden of the published implementation through a pair of devices. */
export async function goldenErrors(
  variant: "base" | "hd",
  { scratch, visionDevice, languageDevice, visionForm }: Omit<MeasureOptions, "drawings" | "goldens">,
): Promise<[features: number, logits: number]> {
  const golden = await openGolden(variant);
  const devices = { device: "cpu", visionDevice, languageDevice, visionForm } as const;
  const engine = await Engine.load({ directory: join(scratch, variant), ...devices, parallel: 1 });
  try {
    const [expected] = golden.cases;
    if (expected === undefined) throw new Error(`the ${variant} golden has no case`);
    const { name, image, question, feature_rows: rows } = expected;
    const picture = await engine.encodePicture(join(PARITY_FIXTURES, image));
    const { features } = engine.features(picture);
    const width = features.length / picture.features;
    let logits: Float32Array = new Float32Array();
    await engine.ask(
      picture,
      { question, maxTokens: 1 },
      { onLogits: (values, step) => void (step === 0 && (logits = values)) },
    );
    return [
      relativeError(takeRows(features, width, rows), await golden.array(`${name}.features.rows`)),
      relativeError(logits, await golden.array(`${name}.logits`)),
    ];
  } finally {
    await engine.dispose();
    await golden.close();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
