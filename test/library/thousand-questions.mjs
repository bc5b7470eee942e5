// Asks the demo model 1,000 questions through the built library and prints the process's resident memory after each.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadModel } from "../../dist/lib/index.js";

const drawings = join(import.meta.dirname, "..", "fixtures", "eval");
const lines = (await readFile(join(drawings, "eval.jsonl"), "utf8")).trim().split("\n");
const model = await loadModel({ model: "demo", device: "cpu" });
const resident = [];
for (let asked = 0; asked < 1000; asked++) {
  const { image, question } = JSON.parse(lines[asked % lines.length]);
  const picture = await model.encodePicture(join(drawings, image));
  await model.ask(picture, { question });
  await model.release(picture);
  resident.push(process.memoryUsage.rss());
}
const { questions } = await model.counters();
await model.dispose();
console.log(JSON.stringify({ questions, resident }));
