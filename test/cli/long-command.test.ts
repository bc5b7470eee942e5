import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();
beforeAll(async () => place.convertDemo());

/** What a shell makes of `*.jpg` in a large folder. */
const MANY = 800;

describe("a command line of many kilobytes", () => {
  it("asks about every picture that it names", async () => {
    const words = ["ask", "-m", "demo", "--quiet", "-q", QUESTION];
    const { status, stdout } = await place.run([
      ...words,
      RED_CIRCLE,
      ...Array<string>(MANY).fill("none.png"),
    ]);
    expect(status).toBe(3);
    expect(lines(stdout)).toEqual([`${RED_CIRCLE}: Red.`]);
  });

  it("refuses one question that is too long, and answers the other", async () => {
    const words = ["ask", "-m", "demo", "--quiet", "--json", RED_CIRCLE, "-q", "why ".repeat(10_000)];
    const { status, stdout } = await place.run([...words, "-q", QUESTION]);
    expect(status).toBe(3);
    expect(lines(stdout).map((line) => JSON.parse(line) as object)).toMatchObject([
      { error: { code: "question-too-long" } },
      { answer: "Red." },
    ]);
  });

  it("does no harm to a program that uses the library in a thread of its own", async () => {
    const library = pathToFileURL(new URL("../../dist/lib/index.js", import.meta.url).pathname).href;
    const thread = place.path("thread.mjs");
    await writeFile(
      thread,
      `import { isMainThread, Worker } from "node:worker_threads";
       if (isMainThread) new Worker(new URL(import.meta.url));
       else {
         const { loadModel } = await import(${JSON.stringify(library)});
         const model = await loadModel({ model: "demo", device: "cpu" });
         const picture = await model.encodePicture(${JSON.stringify(RED_CIRCLE)});
         const { text } = await model.ask(picture, { question: ${JSON.stringify(QUESTION)} });
         await model.dispose();
         console.log(text);
       }`,
    );
    const child = await place.bash(`'${process.execPath}' '${thread}' '${"long ".repeat(10_000)}'`);
    expect(child).toMatchObject({ status: 0, stdout: "Red.\n" });
  });
});
