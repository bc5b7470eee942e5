// Draws the picture of a map that the pages show: the demo model on a drawing that it has never seen.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
mkdirSync(join(root, "docs", "pictures"), { recursive: true });
const words = ["ask", "-m", "demo", "test/fixtures/eval/093.webp", "What colour is the cross?"];
const drawn = spawnSync(
  process.execPath,
  ["bin/flashsloth.js", ...words, "--explain", "docs/pictures/attention.png"],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = drawn.status ?? 1;
