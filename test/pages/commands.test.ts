import { existsSync, readdirSync } from "node:fs";
import { appendFile, chmod, copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DEMO } from "../checkpoint/demo-copy.ts";
import { BINARY, drawing, finished, lines, Place, type Finished } from "../cli/binary.ts";
import { demoRepository } from "../hub/checkpoint-files.ts";
import { HubServer } from "../hub/server.ts";
import { NOT_RUN, SHOWN, TESTED_ELSEWHERE } from "./not-run.ts";
import { blocksOf, commandsOf, PAGES, ROOT, type Block } from "./printed.ts";

/** The pictures that the pages name; 023 and 001 have a red circle in them. */
const PICTURES = {
  "photo.jpg": "010.jpg",
  "a.jpg": "010.jpg",
  "b.png": "001.png",
  "door.jpg": "010.jpg",
  "receipt.jpg": "010.jpg",
  "holidays/1.jpg": "010.jpg",
  "holidays/2.png": "001.png",
  "photos/1.jpg": "010.jpg",
  "photos/3.png": "023.png",
  "photos/more/2.png": "023.png",
  "drawings/1.jpg": "010.jpg",
  "drawings/2.png": "023.png",
  "drawing.png": "023.png",
} as const;
const ROWS = ["a.jpg", "b.png"].map((image) => JSON.stringify({ image, question: "What is this?" }));

/** What the pages leave to the reader, and what the demo model knows in place of what it does not. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  CHECKPOINT: DEMO,
  "OWNER/REPO": "Tongbo/FlashSloth-3.2B",
  "npm ci &&": "cd $ROOT &&", // which has happened, or there were no tests to run
  '"a dog"': '"a red circle"',
  '"a bicycle"': '"a red circle"',
  '"Is it night?"': '"Is there a red circle?"',
  "q4_0+mixed": "q4_0+int8", // choosing what to round takes a minute; vision-precision.test.ts has it
  'eval "$(flashsloth completion bash)"': 'eval "$(flashsloth completion bash)"; complete -p flashsloth',
  'eval "$(flashsloth completion zsh)"':
    "zsh -fc 'autoload -Uz compinit; compinit -u -D; eval \"$(flashsloth completion zsh)\"; print $_comps[flashsloth]'",
};

/** What a command must say, by what it contains. */
const ANSWERS: Readonly<Record<string, (stdout: string, folder: string) => void>> = {
  "npm ci &&": (stdout) => expect(stdout).toBe("Red.\n"),
  "flashsloth ask photo.jpg": (stdout) => expect(lines(stdout).join("")).toMatch(/\w/),
  "holidays/ ": (stdout) =>
    expect(lines(stdout).map((line) => line.split(":")[0])).toEqual([
      "a.jpg",
      "b.png",
      "holidays/1.jpg",
      "holidays/2.png",
    ]),
  "-r holidays": (stdout) => expect(imagesOf(stdout)).toEqual(["holidays/1.jpg", "holidays/2.png"]),
  "rows.jsonl": (stdout) => expect(imagesOf(stdout)).toEqual(["a.jpg", "b.png"]),
  "--resume": (stdout) =>
    expect(imagesOf(stdout)).toEqual(["photos/1.jpg", "photos/3.png", "photos/more/2.png"]),
  "example.org": (stdout) => expect(stdout).toMatch(/\w\.?\n$/),
  "find photos": (stdout) => expect(stdout).toMatch(/^photos\/1\.jpg: \w+.*\n$|^\w+\.\n$/),
  'grep "a red circle" -r drawings': (stdout) => expect(stdout).toMatch(/^drawings\/2\.png\n$/),
  "grep -0": (_, folder) => expect(readdirSync(join(folder, "dogs"))).toEqual(["2.png", "3.png"]),
  "grep -c": (stdout) => expect(stdout).toBe("2\n"),
  "grep --sort": (stdout) => expect(stdout).toMatch(/^0\.\d+\tphotos\/3\.png\n$/),
  "--choices yes,no": (stdout) => expect(JSON.parse(stdout)).toMatchObject({ answer: /yes|no/ }),
  "--choice cat": (stdout) =>
    expect(lines(stdout).map((line) => line.replace(/: (?:cat|a small dog|none)$/, ""))).toEqual([
      "a.jpg",
      "door.jpg",
      "photo.jpg",
      "receipt.jpg",
    ]),
  "--json-schema": (stdout) => expect(JSON.parse(stdout)).toHaveProperty("total"),
  "completion bash": (stdout) => expect(stdout).toMatch(/^complete .* flashsloth\n$/m),
  "completion zsh": (stdout) => expect(stdout).toMatch(/^_\w*flashsloth\w*\n$/),
  "completion fish": (stdout) => expect(stdout).toContain("complete -c flashsloth"),
  "flashsloth inspect ": (stdout) => expect(stdout).toContain("Tongbo/FlashSloth-3.2B"),
  "flashsloth list": (stdout) => expect(stdout).toMatch(/^demo /m),
  "flashsloth verify": (stdout) => expect(stdout).toContain("ok          language.gguf"),
  "flashsloth bench": (stdout) => expect(stdout).toContain("prefill"),
};

function imagesOf(records: string): string[] {
  return lines(records).map((line) => (JSON.parse(line) as { image: string }).image);
}

const place = new Place();
let hub: HubServer;
let pictures: Server;
let origin = "";

beforeAll(async () => {
  hub = await HubServer.start({ repo: "Tongbo/FlashSloth-3.2B", files: await demoRepository() });
  const bytes = await readFile(drawing("010.jpg"));
  pictures = createServer((_, response) => response.end(bytes));
  await new Promise<void>((listening) => pictures.listen(0, "127.0.0.1", listening));
  origin = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}/`;
  const program = place.path("bin/flashsloth");
  await mkdir(place.path("bin"));
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${BINARY}" "$@"\n`);
  await chmod(program, 0o755);
});

afterAll(async () => {
  await hub.close();
  pictures.close();
});

/** A reader's folder, with everything in it that the pages name. */
async function folderFor(page: string): Promise<string> {
  const folder = place.path(page.replaceAll("/", "-"));
  for (const name of ["holidays", "photos/more", "drawings", "dogs", ".config/fish/completions"]) {
    await mkdir(join(folder, name), { recursive: true });
  }
  for (const [name, from] of Object.entries(PICTURES)) await copyFile(drawing(from), join(folder, name));
  for (const name of ["bin", "test"]) {
    if (!existsSync(join(folder, name))) await symlink(join(ROOT, name), join(folder, name));
  }
  await writeFile(join(folder, "rows.jsonl"), `${ROWS.join("\n")}\n`);
  return folder;
}

async function run(command: string, folder: string): Promise<Finished> {
  let text = command.replaceAll("https://example.org/", origin);
  for (const [placeholder, meant] of Object.entries(PLACEHOLDERS)) text = text.replaceAll(placeholder, meant);
  const env = {
    PATH: [place.path("bin"), process.env["PATH"] ?? ""].join(delimiter),
    HOME: folder,
    HF_ENDPOINT: hub.endpoint,
    ROOT,
  };
  const words = ["100", "bash", "-o", "pipefail", "-c", text];
  return finished(place.start("timeout", words, { env, cwd: folder }));
}

/** Whether one of the commands is left out: `NOT_RUN` says why. */
function isLeftOut(command: string): boolean {
  return Object.keys(NOT_RUN).some((beginning) => command.startsWith(beginning));
}

/** The file that a command says it will write. */
function written(command: string, folder: string): string | undefined {
  const [, name] = command.match(/(?:>|-o) (?:~\/)?([\w./-]+)/) ?? [];
  return name === undefined ? undefined : join(folder, name);
}

const blocks = PAGES.flatMap(blocksOf);
/** The commands to run, by their pages. */
const commandsIn = new Map(
  PAGES.filter((page) => !(page in TESTED_ELSEWHERE)).map((page) => [
    page,
    blocks
      .filter((block) => block.page === page && block.kind === "shell")
      .flatMap(commandsOf)
      .filter((command) => !isLeftOut(command)),
  ]),
);

describe("what is printed in the pages for people", () => {
  it("is a command, a module, or known for something else", () => {
    const others = blocks.filter(
      ({ kind, text }) => kind === "other" && !SHOWN.some((shown) => text.startsWith(shown)),
    );
    expect(others.filter(({ page }) => !(page in TESTED_ELSEWHERE)).map(({ text }) => text)).toEqual([]);
  });

  it("and not run is printed indeed", () => {
    const commands = blocks.filter(({ kind }) => kind === "shell").flatMap(commandsOf);
    for (const beginning of Object.keys(NOT_RUN)) {
      expect(
        commands.filter((command) => command.startsWith(beginning)),
        beginning,
      ).not.toEqual([]);
    }
    for (const shown of SHOWN)
      expect(
        blocks.some(({ text }) => text.startsWith(shown)),
        shown,
      ).toBe(true);
    for (const [page, test] of Object.entries(TESTED_ELSEWHERE)) {
      expect([page, test].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    }
  });
});

describe.each([...commandsIn].filter(([, commands]) => commands.length > 0))("%s", (page, commands) => {
  let folder = "";

  beforeEach(async () => {
    folder = await folderFor(page); // what one command moved away, the next finds again
  });

  it.each(commands)("%s", async (command) => {
    const ended = await run(command, folder);
    expect([ended.status, ended.stderr.match(/^error.*$/gm)], ended.stderr).toEqual([0, null]);
    const file = written(command, folder);
    const output = file === undefined ? ended.stdout : await readFile(file, "utf8");
    const checks = Object.entries(ANSWERS).filter(([part]) => command.includes(part));
    for (const [, check] of checks) check(output, folder);
    if (checks.length === 0) expect(output + ended.stderr).not.toBe("");
  });
});

/** What a printed module is to have found out, by its page: the values, and what must be true of them. */
const MODULES: Readonly<Record<string, readonly [values: string, found: object]>> = {
  "docs/library.md": [
    "{ text, next: next.text, choices: choices.map(({ text }) => text).sort(), mass }",
    { text: "Red.", next: "Five.", choices: ["no", "yes"] },
  ],
  "docs/explain.md": [
    "{ layer: explain.layer, weights: explain.weights.length, flat: entropy > mostEntropy - 0.1 }",
    { layer: "embq", weights: 729, flat: false },
  ],
  "docs/chat.md": [
    "{ answered: text !== '', turns: conversation.turns.length }",
    { answered: true, turns: 2 },
  ],
};

describe("modules that are printed", () => {
  const modules = blocks.filter(({ kind, page }) => kind === "module" && !(page in TESTED_ELSEWHERE));

  it.each(modules)("$page", async ({ page, text }: Block) => {
    const [values, found] = MODULES[page] ?? ["{}", { page: "is to be among MODULES" }];
    const folder = await folderFor(`module ${page}`);
    await mkdir(join(folder, "node_modules"), { recursive: true });
    await symlink(ROOT, join(folder, "node_modules/flashsloth"));
    const file = join(folder, "printed.mjs");
    await writeFile(file, text);
    await appendFile(file, `console.log(JSON.stringify(${values}));\n`);
    const env = { HF_ENDPOINT: hub.endpoint };
    const started = place.start(process.execPath, [file], { cwd: folder, env });
    const { status, stdout, stderr } = await finished(started);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(found);
  });
});
