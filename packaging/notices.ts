import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "rolldown";

const INTRODUCTION = `# Third-party notices

These libraries are joined into the files of \`dist/lib\`, or are beside them. Those that npm installs beside flashsloth bring their
own licences.
`;

/** Part of `dist`, and no module of it: what packages say of it themselves is not in them. */
const BESIDE = [
  {
    title: "onnxruntime 1.30.0 (dist/onnxruntime)",
    url: "https://github.com/microsoft/onnxruntime (its own third-party notices: ThirdPartyNotices.txt there)",
    text: mit("Copyright (c) Microsoft Corporation"),
  },
] as const;

/** The package folder of a module in `node_modules`; undefined for a module of ours. */
export function packageOf(module: string): string | undefined {
  return /^(?<folder>.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+)[/\\]/.exec(module.replace(/^\0/, ""))
    ?.groups?.["folder"];
}

/** The licences of every package of which a module was joined into the build, as `THIRD-PARTY-NOTICES.md`. */
export function writeNotices(): Plugin {
  return {
    name: "the licences of what is joined",
    writeBundle(_, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
      const folders = new Set(modules.map(packageOf).filter((folder) => folder !== undefined));
      const parts = [...folders].toSorted().map(noticeOf);
      const beside = BESIDE.map(({ title, url, text }) => `## ${title}\n\n${url}\n\n${indent(text)}`);
      writeFileSync("dist/THIRD-PARTY-NOTICES.md", [INTRODUCTION, ...parts, ...beside].join("\n"));
    },
  };
}

/** Where the licence is of packages that do not bring it as a file of its own. */
const ELSEWHERE: Readonly<Record<string, (folder: string) => string[]>> = {
  "@bufbuild/protobuf": (folder) => [
    readFileSync("LICENSE", "utf8"), // Apache-2.0, as this package's own
    leadingComment(readFileSync(join(folder, "dist/esm/wire/varint.js"), "utf8")),
  ],
  "onnxruntime-common": () => [mit("Copyright (c) Microsoft Corporation")],
};

/** @throws when a package has no licence that could be printed */
function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly license: string;
  };
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
  const texts =
    files.length === 0
      ? (ELSEWHERE[name]?.(folder) ?? [])
      : files.map((file) => readFileSync(join(folder, file), "utf8"));
  if (texts.length === 0)
    throw new Error(`the licence of ${name} is nowhere: add it to packaging/notices.ts`);
  return `## ${name} ${version}\n\n${license}\n\n${texts.map(indent).join("\n")}`;
}

function leadingComment(source: string): string {
  const lines = source.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join("\n");
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (line.trim() === "" ? "" : `    ${line.trimEnd()}`))
    .join("\n")
    .concat("\n");
}

function mit(copyright: string): string {
  return `MIT License

${copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge,
publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
}
