/** Pages whose commands have tests of their own, with everything about their answers. */
export const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  "docs/pipelines.md": "test/cli/pipelines.test.ts",
  "docs/clusters.md": "test/clusters/parallel.test.ts",
  "docs/page.md": "test/serve/page/page.test.ts",
  "docs/serve.md": "test/serve/printed.test.ts",
  "docs/mcp.md": "test/mcp/process.test.ts",
};

/** Commands that are not run here, by how they begin, and why. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  "node node_modules/onnxruntime-node/script/install.js": "fetches from NuGet",
  'flashsloth ask photo.jpg "What is this?" --device vulkan': "needs a GPU",
  'flashsloth ask photo.jpg "What is this?" --vision-device cpu --language-device cuda': "needs a GPU",
  "npm ci && npm run build": "has happened, or there were no tests to run",
  "npm install -g": "test/install has it, in a prefix of its own; a GPU's libraries are a choice",
  "npm run pack": "test/install has it",
  "flashsloth eval pope": "needs POPE's pictures; test/eval makes such a folder",
  "docker ": "needs a container engine and its registry",
  "test/gpu/pack.sh": "packs half a gigabyte",
  "cat flashsloth-gpu-kit": "needs what pack.sh makes, and a GPU",
  "npm run peers": "compiles llama.cpp and measures for hours, on weights of 8 GB",
};

/** Blocks that are no commands, by how they begin: what is printed, and records. */
export const SHOWN: readonly string[] = [
  '{"image": "a.png"',
  "198 answered, 2 failed",
  "flowchart TD",
  "$ flashsloth chat",
];
