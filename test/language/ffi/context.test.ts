import { afterAll, beforeAll, expect, it } from "vitest";
import { readManifest } from "../../../src/core/model/manifest.ts";
import { LanguageModel } from "../../../src/language/language-model.ts";
import { convertDemo } from "../../demo/demo-model.ts";

let demo: Awaited<ReturnType<typeof convertDemo>>;
let language: LanguageModel;

beforeAll(async () => {
  demo = await convertDemo();
  const { directory } = demo;
  const manifest = await readManifest(directory);
  const { loaded } = await LanguageModel.begin({ directory, manifest, threads: 1 });
  language = await loaded;
});

afterAll(async () => {
  await language?.dispose();
  await demo?.remove();
});

it.each([
  { sequences: 1, outputs: 1, made: 16 },
  { sequences: 23, outputs: 1, made: 32 },
  { sequences: 2, outputs: 48, made: 48 },
])("has room for outputs in whole cache lines: $made for $sequences sequences and $outputs", (sizes) => {
  const { sequences, outputs, made } = sizes;
  const context = language.createContext({ cells: 256, batchRows: 256, sequences, outputs });
  try {
    expect(context.outputs).toBe(made);
  } finally {
    context.dispose();
  }
});
