import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { MAN_FILE, manPage } from "../../packaging/man.ts";
import { createProgram } from "../../src/cli/program.ts";
import { VERSION } from "../../src/core/version.ts";

const FILE = resolve(import.meta.dirname, "../..", MAN_FILE);
const program = createProgram({ print: () => {} });

describe("the man page", () => {
  it("is built from the option table, with every command and option that help shows", () => {
    const page = readFileSync(FILE, "utf8");
    expect(page).toBe(manPage(program, VERSION));
    const plain = page.replaceAll("\\-", "-");
    for (const command of program.createHelp().visibleCommands(program)) {
      expect(plain).toContain(`.SS flashsloth ${command.name()} `);
      for (const { flags, hidden } of command.options) if (!hidden) expect(plain).toContain(`.B ${flags}`);
    }
  });

  it("is read by man without a complaint", ({ skip }) => {
    const groff = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z", FILE], { encoding: "utf8" });
    if (groff.error !== undefined) return skip("groff is not installed");
    expect(groff.stderr).toBe("");
  });
});
