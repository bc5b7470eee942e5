import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { JsonObject } from "../core/json.ts";
import type { JobId } from "../pipeline/job.ts";

/** An answer, with what the benchmark's own evaluator wants to know about its question. */
export interface HandedOver {
  readonly id: JobId;
  readonly prompt: string;
  readonly text: string;
  /** @default nothing: the answer is enough */
  readonly problem: JsonObject;
}

/** How a benchmark's own evaluator takes answers that are not scored here. */
export interface Handover {
  /** The evaluator: for people. */
  readonly to: string;
  /** What the file or folder is called: the answer file's name, and this behind it. */
  readonly ending: string;
  /** What is written, by its path in that folder; `""` where it is one file. */
  readonly files: (answers: readonly HandedOver[]) => ReadonlyMap<string, unknown>;
}

/**
 * Writes answers as their evaluator takes them, each file at once. Files of that kind that an earlier run left in the folder go,
 * so that nothing is evaluated with these answers that does not belong to them; whatever else is there stays.
 * @param file the answer file. @returns the path of what was written
 * @throws what the file system throws
 */
export async function handOver(
  file: string,
  { ending, files }: Handover,
  answers: readonly HandedOver[],
): Promise<string> {
  const root = `${file}${ending}`;
  const written = files(answers);
  for (const [name, content] of written) {
    const path = name === "" ? root : join(root, name);
    if (name !== "") await mkdir(dirname(path), { recursive: true });
    await replace(path, `${JSON.stringify(content, undefined, 4)}\n`);
  }
  await removeOld(root, [...written.keys()]);
  return root;
}

/** Removes files called as those that were written, from folders beside theirs. */
async function removeOld(root: string, written: readonly string[]): Promise<void> {
  const [first = ""] = written;
  if (first === "") return;
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const name = `${entry.name}/${basename(first)}`;
    if (entry.isDirectory() && !written.includes(name)) await rm(join(root, name), { force: true });
  }
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.part`;
  const handle = await open(beside, "wx");
  try {
    await handle.writeFile(text).finally(async () => handle.close());
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
