import { expect, it } from "vitest";
import type { Attention } from "../../src/engine/api.ts";
import { answer, FakeEngine } from "../pipeline/fake-engine.ts";
import { chatBody, JSON_TYPE, send, started } from "./in-process.ts";

const attention: Attention = {
  layer: "embq",
  queries: 2,
  crops: "squash",
  imageSize: 6,
  patchSize: 3,
  grid: 2,
  weights: Float32Array.of(0.5, 0.5, 0, 0, 0.25, 0.25, 0.25, 0.25),
};

const told = {
  layer: "embq",
  crops: "squash",
  grid: 2,
  image_size: 6,
  patch_size: 3,
  width: 8,
  height: 8,
  weights: [0.375, 0.375, 0.125, 0.125],
  shares: 4,
  caption: "EmbQ attention, mean of 2 queries",
};

/** An engine that looks when it is told to. */
function looking(): { engine: FakeEngine; wanted: unknown[] } {
  const wanted: unknown[] = [];
  const engine = new FakeEngine({
    ask: async (_, { explain }, { onText } = {}) => {
      wanted.push(explain);
      onText?.("Red.");
      return answer("Red.", explain === undefined ? {} : { explain: attention });
    },
  });
  return { engine, wanted };
}

async function post(url: string, changes: object): Promise<{ status: number; text: string }> {
  return await send(`${url}/v1/chat/completions`, { headers: JSON_TYPE, body: chatBody(changes) });
}

it("an answer says where the model looked when it is asked to, and else costs nothing", async () => {
  const { engine, wanted } = looking();
  const { url } = await started({ engine });
  for (const explain of [true, "embq", "sap"]) {
    const { text } = await post(url, { explain });
    expect(JSON.parse(text)).toMatchObject({ flashsloth: { explain: told } });
  }
  for (const changes of [{}, { explain: false }, { explain: null }]) {
    expect(JSON.parse((await post(url, changes)).text)).not.toHaveProperty("flashsloth");
  }
  expect(wanted).toEqual([{}, { layer: "embq" }, { layer: "sap" }, undefined, undefined, undefined]);
});

it("a stream tells it with the end of the text", async () => {
  const { url } = await started({ engine: looking().engine });
  const { text } = await post(url, { explain: true, stream: true });
  const events = text.split("\n\n").filter((event) => event.includes("{"));
  const bodies = events.map((event) => JSON.parse(event.replace("data: ", "")) as { flashsloth?: object });
  expect(bodies.at(-1)).toMatchObject({
    choices: [{ finish_reason: "stop" }],
    flashsloth: { explain: told },
  });
  expect(bodies.filter(({ flashsloth }) => flashsloth !== undefined)).toHaveLength(1);
});

it.each([1, "yes", {}, ["embq"]])("explain of %j is refused by its name", async (explain) => {
  const { url } = await started({ engine: looking().engine });
  const { status, text } = await post(url, { explain });
  expect([status, JSON.parse(text)]).toMatchObject([400, { error: { param: "explain" } }]);
});
