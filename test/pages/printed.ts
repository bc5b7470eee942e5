import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT: string = resolve(import.meta.dirname, "../..");

/** The pages for people, by their paths from the root. */
export const PAGES: readonly string[] = [...pagesIn("."), ...pagesIn("docs")];

function pagesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".md"));
  return names.map((name) => join(folder, name));
}

export function pageText(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

/** What a block of a page is. */
export type Kind = "shell" | "script" | "module" | "other";

export interface Block {
  readonly page: string;
  readonly text: string;
  readonly kind: Kind;
}

/** The first words of the lines that are for a shell. A page that tells of another program has it added here. */
const PROGRAMS =
  /^(?:\w+=\S+ )*(?:flashsloth|npm|npx|node|pnpm|yarn|bun|curl|find|cat|eval|hf|jq|exiftool|inotifywait|docker|podman|sbatch|kubectl|man|export|python3?|printf|echo|test\/gpu\/\S+)\s/;

/** Every block of code: fenced ones, and those that are indented by four spaces. */
export function blocksOf(page: string): Block[] {
  const parts = pageText(page).matchAll(/^```(\w*)\n([^]*?)^```$|(?<=\n\n)((?: {4}.*\n|\n(?= {4}))+)/gm);
  return [...parts].map(([, language = "", fenced, indented = ""]) => {
    const text = fenced ?? indented.replaceAll(/^ {4}/gm, "");
    return { page, text, kind: kindOf(language, text) };
  });
}

function kindOf(language: string, text: string): Kind {
  if (text.startsWith("#!")) return "script";
  if (/^(?:ba)?sh$/.test(language)) return "shell";
  if (/^(?:js|javascript|ts|typescript)$/.test(language) || text.startsWith("import ")) return "module";
  return language === "" && PROGRAMS.test(text) ? "shell" : "other";
}

/** The commands of a block: the fewest lines that bash takes for whole. */
export function commandsOf(block: Block): string[] {
  const commands: string[] = [];
  let lines: string[] = [];
  for (const line of block.text.split("\n")) {
    lines.push(line);
    const text = lines.join("\n").trim();
    if (text.endsWith("\\") || spawnSync("bash", ["-n"], { input: text }).status !== 0) continue;
    if (text !== "" && !text.startsWith("#")) commands.push(text);
    lines = [];
  }
  if (lines.length > 0) throw new Error(`bash takes this for no whole command:\n${lines.join("\n")}`);
  return commands;
}
