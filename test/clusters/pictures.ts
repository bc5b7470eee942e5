import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { BINARY, DRAWINGS_FOLDER } from "../cli/binary.ts";

/** A folder with drawings in it, some of them in a folder inside, and one file that is broken. @returns how many there are */
export async function makePictures(folder: string, count: number): Promise<number> {
  await mkdir(join(folder, "more"), { recursive: true });
  const names = (await readdir(DRAWINGS_FOLDER))
    .filter((name) => !name.endsWith(".jsonl"))
    .slice(0, count - 1);
  for (const [index, name] of names.entries()) {
    await copyFile(join(DRAWINGS_FOLDER, name), join(folder, index % 3 === 0 ? "more" : "", name));
  }
  const [first = ""] = names;
  const bytes = await readFile(join(DRAWINGS_FOLDER, first));
  await writeFile(join(folder, "broken.png"), bytes.subarray(0, 60));
  return names.length + 1;
}

/** The `PATH` of a shell in which `flashsloth` is the built binary, and its model the demo. */
export async function pathWithDemo(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const command = join(folder, "flashsloth");
  await writeFile(
    command,
    `#!/bin/sh\ncommand=$1; shift\nexec "${process.execPath}" "${BINARY}" "$command" -m demo "$@"\n`,
  );
  await chmod(command, 0o755);
  return [folder, process.env["PATH"] ?? ""].join(delimiter);
}

/** What is the same in every run of a record. */
export interface Told {
  readonly image: string;
  readonly answer: string;
}

/** Answers, errors by their code, in the order of the pictures' names. */
export function tell(records: string): Told[] {
  return records
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { image: string; answer?: string; error?: { code: string } })
    .map(({ image, answer, error }) => ({ image, answer: answer ?? `(${error?.code})` }))
    .sort((a, b) => (a.image < b.image ? -1 : 1));
}
