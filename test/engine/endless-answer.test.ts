import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { EncodedPicture } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { DemoCopy, type Header } from "../checkpoint/demo-copy.ts";
import { DRAWINGS } from "../demo/demo-model.ts";

/** The largest number of float16, with its sign. */
const [ALWAYS, NEVER] = [0x7bff, 0xfbff];
/** Of the demo's vocabulary: what ends an answer, and a word. */
const [END_TOKENS, WORD] = [[551, 553], 300];

let engine: Engine | undefined;
let rubbish: string[] = [];

afterEach(async () => {
  await engine?.dispose();
  for (const folder of rubbish) await rm(folder, { recursive: true, force: true });
  rubbish = [];
});

/** The demo model with other biases of its head, by token. */
async function engineWith(
  biases: ReadonlyMap<number, number>,
): Promise<{ engine: Engine; picture: EncodedPicture }> {
  const copy = await DemoCopy.create();
  const directory = `${copy.directory}-converted`;
  rubbish = [copy.directory, directory];
  const path = copy.path("model.safetensors");
  const bytes = await readFile(path);
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, begin).toString("utf8")) as Header;
  const [offset = 0] = header["lm_head.bias"]?.data_offsets ?? [];
  for (const [token, bias] of biases) bytes.writeUInt16LE(bias, begin + offset + 2 * token);
  await writeFile(path, bytes);
  await convertCheckpoint({ checkpoint: copy.directory, out: directory, name: "endless" });
  engine = await Engine.load({ directory, device: "cpu", threads: 1, parallel: 4 });
  return { engine, picture: await engine.encodePicture(join(DRAWINGS, "023.png")) };
}

describe("the engine, with a model that says the same word for ever,", () => {
  it("cuts its answers after the second one, unless they are to be so long", async () => {
    const { engine: model, picture } = await engineWith(new Map([[WORD, ALWAYS]]));
    const questions = ["What color is the circle?", "How many shapes are there?", "Describe the image."];
    const said = questions.map(() => "");
    const answers = await Promise.all(
      questions.map(async (question, index) =>
        model.ask(picture, { question }, { onText: (piece) => void (said[index] += piece) }),
      ),
    );
    for (const [index, answer] of answers.entries()) {
      expect(answer).toMatchObject({ finish: "repetition", ids: [WORD, WORD], tokens: { answer: 64 } });
      expect(answer.text).not.toBe("");
      expect(said[index]).toBe(answer.text);
    }
    const question = "What color is the circle?";
    const measured = await model.ask(picture, { question, ignoreEnd: true, maxTokens: 100 });
    expect(measured).toMatchObject({ finish: "length", tokens: { answer: 100 } });
    const short = await model.ask(picture, { question, maxTokens: 40 });
    expect(short).toMatchObject({ finish: "length", tokens: { answer: 40 } });
    expect(short.ids).toHaveLength(40);
  });
});

describe("the engine, with a model that cannot end its answer,", () => {
  it("lets it ramble on as long as it does not say the very same", async () => {
    const { engine: model, picture } = await engineWith(new Map(END_TOKENS.map((token) => [token, NEVER])));
    const answer = await model.ask(picture, { question: "What color is the circle?", maxTokens: 150 });
    expect(answer).toMatchObject({ finish: "length", tokens: { answer: 150 } });
    expect(answer.text).toMatch(/^Red\./);
  });
});
