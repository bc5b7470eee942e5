import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { type Cpu, MAKERS, showInstructions } from "../cpu.ts";
import { type Figure, figureLine } from "./figure.ts";

/** Tables of figures, one file for each kind of processor, from which those of docs/speed.md are made. */
export const KEPT_FOLDER = "test/bench/ratios/measured";

/** A figure of a table. */
export interface KeptFigure extends Figure {
  /** what it was measured of: `q4_k_m with fp32 vision`; five crops are another model */
  readonly model: string;
  /** the day, and in how many rounds */
  readonly date: string;
  readonly rounds: number;
}

/** What was measured on one kind of processor. */
export interface Kept extends Cpu {
  readonly figures: readonly KeptFigure[];
}

const keptSchema: v.GenericSchema<unknown, Kept> = v.strictObject({
  model: v.string(),
  maker: v.picklist(MAKERS),
  instructions: v.string(),
  hidden: v.optional(v.string()),
  threads: v.number(),
  figures: v.array(
    v.strictObject({
      model: v.string(),
      date: v.string(),
      rounds: v.number(),
      name: v.string(),
      value: v.number(),
      bar: v.union([v.strictObject({ atLeast: v.number() }), v.strictObject({ atMost: v.number() })]),
      detail: v.string(),
    }),
  ),
});

/** Puts figures in the place of those of the same name and model, or at the end. */
export function merged(earlier: readonly KeptFigure[], measured: readonly KeptFigure[]): KeptFigure[] {
  const key = ({ model, name }: KeptFigure): string => `${model}\n${name}`;
  const all = new Map(earlier.map((figure) => [key(figure), figure]));
  for (const figure of measured) all.set(key(figure), figure);
  return [...all.values()];
}

/** Writes figures into the table of this processor's kind. */
export async function keep(folder: string, cpu: Cpu, figures: readonly KeptFigure[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const name = `${cpu.maker} ${showInstructions(cpu)}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/-$/, "");
  const earlier = (await readKept(folder)).get(`${name}.json`);
  const kept: Kept = { ...cpu, figures: merged(earlier?.figures ?? [], figures) };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(kept, null, 2)}\n`);
}

/** Every table by its file's name, in the names' order. */
export async function readKept(folder: string): Promise<Map<string, Kept>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).toSorted();
  const tables = new Map<string, Kept>();
  for (const name of names) {
    tables.set(name, v.parse(keptSchema, JSON.parse(await readFile(join(folder, name), "utf8"))));
  }
  return tables;
}

/** The tables as Markdown, one for each processor and model. */
export function renderTables(tables: Iterable<Kept>): string {
  return [...tables].map(renderTable).join("\n\n");
}

function renderTable({ model: name, figures, ...cpu }: Kept): string {
  const models = [...new Set(figures.map(({ model }) => model))];
  const parts = models.map((model) => {
    const measured = figures.filter((figure) => figure.model === model);
    const dates = [...new Set(measured.map(({ date }) => date))].toSorted().join(", ");
    const rounds = [...new Set(measured.map((each) => each.rounds))].toSorted((a, b) => a - b).join(" or ");
    return [
      `${model}, measured ${dates}, ${rounds} rounds:`,
      `| figure | value | bar | reached | measured |\n|---|---:|---:|---|---|\n${measured.map(figureLine).join("\n")}`,
    ].join("\n\n");
  });
  return [`### ${name}: ${showInstructions(cpu)}, ${cpu.threads} threads`, ...parts].join("\n\n");
}

const BEGIN = "<!-- ratios: begin -->";
const END = "<!-- ratios: end -->";

/**
 * The text with other tables between its marks.
 * @throws RangeError when it has no marks
 */
export function withTables(text: string, tables: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new RangeError(`there is no ${BEGIN} with ${END} behind it`);
  return `${text.slice(0, from + BEGIN.length)}\n\n${tables}\n\n${text.slice(to)}`;
}
