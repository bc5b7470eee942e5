import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { PROJECT_ROOT } from "../project-root.ts";

export const DEMO_CHECKPOINT: string = join(PROJECT_ROOT, "src", "store", "demo", "checkpoint");
export const DRAWINGS: string = join(PROJECT_ROOT, "test", "fixtures", "eval");

export interface Drawing {
  readonly image: string;
  readonly question: string;
  /** the truth */
  readonly answer: string;
  readonly kind: string;
  /** what the checkpoint answers in PyTorch, float32, with EmbQ and without */
  readonly pytorch: string;
  readonly no_embq: string;
}

const drawingSchema: v.GenericSchema<unknown, Drawing> = v.object({
  image: v.string(),
  question: v.string(),
  answer: v.string(),
  kind: v.string(),
  pytorch: v.string(),
  no_embq: v.string(),
});

export async function readDrawings(): Promise<Drawing[]> {
  const lines = (await readFile(join(DRAWINGS, "eval.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => v.parse(drawingSchema, JSON.parse(line)));
}

/** The demo model, converted into a temporary folder. */
export async function convertDemo(): Promise<{ directory: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-demo-"));
  const directory = join(folder, "demo");
  await convertCheckpoint({ checkpoint: DEMO_CHECKPOINT, out: directory, name: "demo" });
  return { directory, remove: async () => rm(folder, { recursive: true, force: true }) };
}
