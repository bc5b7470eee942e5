import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

const DOCUMENT = resolve(import.meta.dirname, "../../docs/clusters.md");

/** A recipe of the document as it is printed there: the block that follows the mention of its file. */
export async function recipe(file: string): Promise<string> {
  const text = await readFile(DOCUMENT, "utf8");
  const [, after] = text.split(`\n\`${file}\`,`);
  const [, block] = /```[a-z]+\n(.*?)```/s.exec(after ?? "") ?? [];
  if (block === undefined) throw new Error(`${join("docs", "clusters.md")} has no ${file}`);
  return block;
}
