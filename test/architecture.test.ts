import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = resolve(import.meta.dirname, "../src");

/**
 * The folders of `src/` that each folder may import, besides itself: the pipeline points one way.
 * Folders on one level never import each other.
 */
const DIRECT: Readonly<Record<string, readonly string[]>> = {
  cli: ["eval", "mcp", "serve", "chat", "explain", "bench", "doctor", "store"],
  eval: ["pipeline"],
  mcp: ["pipeline"],
  pipeline: ["openai", "addresses"],
  serve: ["openai", "addresses", "explain"], // knows no terminal
  chat: ["engine"],
  explain: ["engine"],
  bench: ["engine", "formats"], // it writes a graph of its own: plain matrix products, for the machine's peak
  doctor: ["store"],
  store: ["engine", "convert"],
  openai: ["engine"], // requests and responses in OpenAI's form, whoever reads and writes them
  addresses: ["image"], // pictures by URL and data URI
  engine: ["image", "vision", "language", "caches"],
  convert: ["checkpoint", "formats", "language", "onnxruntime", "image"], // it runs the graphs it wrote on pictures, to measure them
  checkpoint: ["formats"],
  vision: ["onnxruntime"],
  language: ["core"],
  image: ["core"],
  caches: ["core"],
  onnxruntime: ["core"],
  formats: ["core"],
  core: [],
};

/** Everything below a folder. */
function reachable(folder: string): Set<string> {
  const seen = new Set<string>();
  const walk = (from: string): void => {
    for (const next of DIRECT[from] ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      walk(next);
    }
  };
  walk(folder);
  return seen;
}

/** The floors as `docs/architecture.md` draws them. */
function drawn(): string {
  const arrows = Object.entries(DIRECT).map(([folder, below]) => `  ${folder} --> ${below.join(" & ")}`);
  return ["```mermaid", "flowchart TD", ...arrows.filter((arrow) => !arrow.endsWith("> ")), "```"].join("\n");
}

const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

function importsOf(file: string): string[] {
  const text = readFileSync(join(SOURCE, file), "utf8");
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );
  return specifiers.map((specifier) => relative(SOURCE, resolve(SOURCE, dirname(file), specifier)));
}

describe("the folders of src", () => {
  it("are all known", () => {
    const folders = new Set(files.filter((file) => file.includes("/")).map((file) => file.split("/")[0]));
    expect([...folders].filter((folder) => DIRECT[folder ?? ""] === undefined)).toEqual([]);
  });

  it("import one way", () => {
    const wrong: string[] = [];
    for (const file of files) {
      const [folder = ""] = file.includes("/") ? file.split("/") : [];
      if (folder === "") continue; // index.ts is the library's front and may use everything
      const allowed = reachable(folder).add(folder);
      for (const target of importsOf(file)) {
        if (!target.startsWith("..") && !allowed.has(target.split("/")[0] ?? ""))
          wrong.push(`${file} -> ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("are drawn in docs/architecture.md as they are", () => {
    const page = readFileSync(resolve(SOURCE, "../docs/architecture.md"), "utf8");
    const [, drawing = ""] = /<!-- floors: begin -->([^]*)<!-- floors: end -->/.exec(page) ?? [];
    expect(drawing.trim()).toBe(drawn()); // to be pasted between the marks
  });

  it("keep pointers inside the foreign-function folder", () => {
    const users = files.filter((file) => /from "koffi"/.test(readFileSync(join(SOURCE, file), "utf8")));
    expect(users.filter((file) => !file.startsWith("language/ffi/"))).toEqual([]);
  });

  it("hold no file that has outgrown one idea", () => {
    const long = files.filter((file) => readFileSync(join(SOURCE, file), "utf8").split("\n").length > 320);
    expect(long).toEqual([]);
  });
});
