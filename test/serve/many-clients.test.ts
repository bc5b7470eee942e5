import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { DRAWINGS_FOLDER, Place, QUESTION, RED_CIRCLE } from "../cli/binary.ts";
import { readDrawings, type Drawing } from "../demo/demo-model.ts";
import { asked, dataUri, MODEL, Server, serverFor, until } from "./served.ts";

const CLIENTS = 64;
/** What each drawing's question is answered with by `work`, so many at a time. */
async function atOnce<T>(
  drawings: readonly Drawing[],
  count: number,
  work: (drawing: Drawing) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = [];
  const left = drawings.entries();
  const worker = async (): Promise<void> => {
    for (const [index, each] of left) answers[index] = await work(each);
  };
  await Promise.all(Array.from({ length: count }, worker));
  return answers;
}

describe("64 clients at once", () => {
  const place = new Place();
  const server = serverFor(place);

  it("are each answered as the command line answers", async () => {
    const drawings = await readDrawings();
    const questions = place.path("questions.jsonl");
    const rows = drawings.map(({ image, question }) => JSON.stringify({ image, question }));
    await writeFile(questions, rows.join("\n"));
    const { stdout } = await place.run([
      "ask",
      "-m",
      MODEL,
      "--no-cache",
      "--quiet",
      "--json",
      "--questions",
      questions,
      "--image-dir",
      DRAWINGS_FOLDER,
    ]);
    const expected = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { answer: string }).answer);
    expect(expected).toHaveLength(drawings.length);
    const client = server.current.client();
    const answers = await atOnce(drawings, CLIENTS, async ({ image, question }) => {
      const messages = [asked(dataUri(join(DRAWINGS_FOLDER, image)), question)];
      const { choices } = await client.chat.completions.create({ model: MODEL, messages });
      return choices[0]?.message.content;
    });
    expect(answers).toEqual(expected);
    const metrics = await server.current.metrics();
    expect(metrics.get('flashsloth_requests_total{route="/v1/chat/completions",status="200"}')).toBe(200);
    expect(metrics.get("flashsloth_requests_working")).toBe(0);
    expect(metrics.get("flashsloth_requests_waiting")).toBe(0);
  });

  it("have a picture encoded once that all of them ask about", async () => {
    const encoded = async (): Promise<number> =>
      (await server.current.metrics()).get('flashsloth_engine_total{kind="picturesEncoded"}') ?? 0;
    const before = await encoded();
    const client = server.current.client();
    const messages = [asked(dataUri(RED_CIRCLE), QUESTION)];
    const ask = async (): Promise<unknown> => client.chat.completions.create({ model: MODEL, messages });
    await Promise.all(Array.from({ length: CLIENTS }, ask));
    await ask();
    expect((await encoded()) - before).toBe(1);
  });

  it("leave nothing behind when they vanish, whether they wait or are being answered, streaming or not", async () => {
    const client = server.current.client();
    const stops = Array.from({ length: CLIENTS }, () => new AbortController());
    const heard: number[] = [];
    const names = (await readDrawings()).map(({ image }) => image);
    const asking = stops.map(async ({ signal }, index) => {
      const body = {
        model: MODEL,
        messages: [asked(dataUri(join(DRAWINGS_FOLDER, names[index] ?? "")), "Describe the image.")],
      };
      if (index % 2 === 1) return client.chat.completions.create(body, { signal });
      const stream = await client.chat.completions.create({ ...body, stream: true }, { signal });
      for await (const { choices } of stream) {
        if ((choices[0]?.delta.content ?? "") !== "") heard.push(index);
      }
      return undefined;
    });
    const settled = Promise.allSettled(asking);
    await until(() => heard.length > 0, "an answer has begun");
    for (const stop of stops) stop.abort();
    await settled;
    await until(async () => {
      const metrics = await server.current.metrics();
      const here = ["requests_working", "requests_waiting", "questions_in_engine"];
      return here.every((name) => metrics.get(`flashsloth_${name}`) === 0);
    }, "nothing is under way");
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      messages: [asked(dataUri(RED_CIRCLE), QUESTION)],
    });
    expect(choices[0]?.message.content).toBe("Red.");
    expect(server.current.log).toMatch(/POST \/v1\/chat\/completions 499 /);
  });

  it("write nothing into the log but what happened", async () => {
    const { log } = server.current;
    const lines = log.split("\n").filter((line) => line.startsWith("req_"));
    expect(lines.length).toBeGreaterThan(200);
    for (const line of lines) {
      expect(line).toMatch(/^req_[0-9a-f]{24} [A-Z]+ [\w/{}.]+ \d{3} \d+ ms( \d+\+\d+ tokens)?( [\w-]+)?$/);
    }
    expect(log).not.toContain("data:");
    expect(log).not.toContain("base64");
  });
});

describe("a server with a short queue", () => {
  const place = new Place();
  const server = serverFor(place, ["--parallel", "1", "--queue", "2"]);

  it("turns away who comes when it is full, and says when to come again", async () => {
    const client = server.current.client();
    const names = (await readDrawings()).map(({ image }) => image);
    const asking = names.slice(0, 24).map(async (image) =>
      client.chat.completions
        .create({
          model: MODEL,
          messages: [asked(dataUri(join(DRAWINGS_FOLDER, image)), "Describe the image.")],
        })
        .then(
          () => ({ status: 200, after: null }),
          (error: { status: number; headers: Headers; code: string }) => ({
            status: error.status,
            after: error.headers.get("retry-after"),
            code: error.code,
          }),
        ),
    );
    const outcomes = await Promise.all(asking);
    const refused = outcomes.filter(({ status }) => status !== 200);
    expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(3);
    expect(refused.length).toBeGreaterThan(0);
    for (const each of refused) expect(each).toEqual({ status: 429, after: "1", code: "queue_full" });
    expect((await server.current.metrics()).get("flashsloth_requests_waiting")).toBe(0);
  });
});

describe("a server that is told to stop", () => {
  const place = new Place();

  beforeAll(async () => place.convertDemo());

  it("finishes 16 answers that are under way, and takes no more", async () => {
    const server = await Server.start(place);
    const client = server.client();
    const names = (await readDrawings()).map(({ image }) => image);
    let begun = 0;
    const asking = names.slice(0, 16).map(async (image) => {
      const stream = await client.chat.completions.create({
        model: MODEL,
        messages: [asked(dataUri(join(DRAWINGS_FOLDER, image)), "Describe the image.")],
        stream: true,
      });
      let text = "";
      let finish: string | null = null;
      for await (const { choices } of stream) {
        if (text === "") begun++;
        text += choices[0]?.delta.content ?? "";
        finish = choices[0]?.finish_reason ?? finish;
      }
      return { text, finish };
    });
    await until(() => begun > 0, "an answer has begun");
    const stopped = server.stop("SIGTERM");
    const answers = await Promise.all(asking);
    expect(answers.every(({ text, finish }) => text.length > 10 && finish === "stop")).toBe(true);
    const { status, signal, stderr } = await stopped;
    expect({ status, signal }).toEqual({ status: 0, signal: null });
    expect(stderr).toContain("finishing the answers under way");
    await expect(fetch(`${server.url}/health`)).rejects.toThrow("fetch failed");
  });

  it("dies of a second signal at once", async () => {
    const server = await Server.start(place);
    const picture = dataUri(RED_CIRCLE);
    const asking = Array.from({ length: 40 }, async (_, index) =>
      server
        .client()
        .chat.completions.create({ model: MODEL, messages: [asked(picture, `Describe it ${index}.`)] }),
    );
    const settled = Promise.allSettled(asking);
    await until(
      async () => ((await server.metrics()).get("flashsloth_requests_working") ?? 0) > 0,
      "it works",
    );
    server.child.kill("SIGINT");
    await until(() => server.log.includes("press Ctrl-C again"), "it has heard the first");
    server.child.kill("SIGINT");
    expect(await server.ended).toMatchObject({ signal: "SIGINT" });
    await settled;
  });

  it("gives up after its time what is still under way", async () => {
    const server = await Server.start(place, ["--grace", "0.2"]);
    const client = server.client();
    const asking = Array.from({ length: 60 }, async (_, index) =>
      client.chat.completions.create({
        model: MODEL,
        messages: [asked(dataUri(RED_CIRCLE), `Describe the image, ${"please ".repeat(index)}`)],
        temperature: 100, // goes on and on
        seed: index,
        max_tokens: 400,
      }),
    );
    const settled = Promise.allSettled(asking);
    // a connection that is still on its way when the server ends has no status
    await until(async () => {
      const metrics = await server.metrics();
      const here = ["working", "waiting"].map((how) => metrics.get(`flashsloth_requests_${how}`) ?? 0);
      return here.reduce((sum, count) => sum + count) >= 55;
    }, "all are there");
    const start = performance.now();
    const { status } = await server.stop();
    expect(status).toBe(0);
    expect(performance.now() - start).toBeLessThan(10_000);
    const outcomes = await settled;
    const refused = outcomes.filter(({ status: outcome }) => outcome === "rejected");
    const reasons = refused.map((each) => (each.status === "rejected" ? (each.reason as object) : {}));
    for (const reason of reasons) expect(reason).toMatchObject({ status: 503 });
    expect(reasons).toContainEqual(expect.objectContaining({ code: "interrupted" }));
  });
});
