import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BINARY } from "../binary.ts";

let folder = "";
let environment: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-shells-"));
  await mkdir(join(folder, "bin"));
  await mkdir(join(folder, "holidays"));
  await mkdir(join(folder, "store/models/mine"), { recursive: true });
  await writeFile(join(folder, "store/models/mine/manifest.json"), '{"name": "mine"}');
  await writeFile(join(folder, "photo one.jpg"), "");
  await writeFile(join(folder, "photo-two.jpg"), "");
  const command = join(folder, "bin/flashsloth");
  await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${BINARY}" "$@"\n`);
  await chmod(command, 0o755);
  environment = {
    PATH: [join(folder, "bin"), process.env["PATH"] ?? ""].join(delimiter),
    HOME: folder,
    FLASHSLOTH_HOME: join(folder, "store"),
    TERM: "xterm",
    LC_ALL: "C.UTF-8",
  };
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

function run(command: string, words: readonly string[], input = ""): string {
  const { stdout, stderr, error } = spawnSync(command, words, {
    cwd: folder,
    env: environment,
    input,
    encoding: "utf8",
    timeout: 60_000,
  });
  if (error !== undefined) throw error;
  return stdout + (stdout === "" ? stderr : "");
}

function isThere(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

/** What bash is offered after these words; it tears words at = and : before it asks. */
function bash(...words: readonly string[]): string[] {
  const program = `
    eval "$(flashsloth completion bash)"
    COMP_WORDS=(flashsloth "$@"); COMP_CWORD=$#
    _flashsloth 2>/dev/null
    printf '%s\\n' "\${COMPREPLY[@]}"
  `;
  const output = run("bash", ["--norc", "-c", program, "bash", ...words]);
  return output.split("\n").filter((text) => text !== "");
}

/** What a terminal shows once Tab was pressed at the end of a line and Enter after it, and the line is run. */
function typed(shell: readonly string[], line: string): string {
  const words = ["-qec", shell.join(" "), "/dev/null"];
  return run("script", words, line);
}

/** What fish offers at the end of each of these lines. */
function fish(...typedLines: readonly string[]): string[][] {
  const asked = typedLines.map((line) => `complete -C ${JSON.stringify(line)}; echo ---`);
  const output = run("fish", [
    "--no-config",
    "-c",
    ["flashsloth completion fish | source", ...asked].join("\n"),
  ]);
  return output
    .split("---\n")
    .slice(0, -1)
    .map((part) =>
      part
        .split("\n")
        .filter((text) => text !== "")
        .map((text) => text.split("\t")[0] ?? ""),
    );
}

describe.skipIf(!isThere("bash"))("bash, where it is installed,", () => {
  it("completes commands, options, choices, models and folders", () => {
    expect(bash("gr")).toEqual(["grep"]);
    expect(bash("ask", "--device", "cp")).toEqual(["cpu"]);
    expect(bash("ask", "--device", "=", "cp")).toEqual(["cpu"]);
    expect(bash("ask", "--device", "=")).toContain("cuda");
    const models = ["mine", "flashsloth-3.2b", "flashsloth-hd-3.2b", "demo"];
    expect(bash("ask", "-m", "").toSorted()).toEqual([...models, "bin", "holidays", "store"].toSorted());
    expect(bash("verify", "m")).toEqual(["mine"]);
  });

  it("evaluates nothing of what is typed", async () => {
    expect(bash("ask", "-q", '"$(touch evil)"', "--dev")).toEqual(["--device"]);
    expect(bash("ask", "`touch evil`", "; touch evil", "--dev")).toEqual(["--device"]);
    expect(await readdir(folder)).not.toContain("evil");
  });

  it.skipIf(!isThere("script"))("completes at a real prompt, files with blanks too", async () => {
    await writeFile(
      join(folder, "rc"),
      'eval "$(command flashsloth completion bash)"\nshow() { printf "<%s>" "$@"; echo; }\ncomplete -o bashdefault -o default -F _flashsloth show\nPS1="> "\n',
    );
    const shell = ["bash", "--noprofile", "--rcfile", join(folder, "rc"), "-i"];
    const screen = typed(shell, "show ask --devi\tcp\tphoto\\ \t--seed 1\nexit\n");
    expect(screen).toContain("<ask><--device><cpu><photo one.jpg><--seed><1>");
  });
});

describe.skipIf(!isThere("zsh"))("zsh, where it is installed,", () => {
  it("completes at a real prompt", async () => {
    await writeFile(
      join(folder, ".zshrc"),
      'autoload -Uz compinit; compinit -u -D\neval "$(flashsloth completion zsh)"\nshow() { printf "<%s>" "$@"; echo; }\ncompdef _flashsloth show\nPS1="> "\n',
    );
    const screen = typed(["zsh", "-i"], "show ask --devi\tcp\tphoto\\ \t--quant=q8\tverif\nexit\n");
    expect(screen).toContain("<ask><--device><cpu><photo one.jpg>");
    expect(screen).toContain("<--quant=q8_0>");
  });

  it("completes from a file in fpath", async () => {
    await mkdir(join(folder, "functions"), { recursive: true });
    await writeFile(join(folder, "functions/_flashsloth"), run("flashsloth", ["completion", "zsh"]));
    await writeFile(
      join(folder, ".zshrc"),
      `fpath=(${join(folder, "functions")} $fpath)\nautoload -Uz compinit; compinit -u -D\nPS1="> "\n`,
    );
    const screen = typed(["zsh", "-i"], "flashsloth comple\tfi\t\nexit\n");
    expect(screen).toContain("complete -c flashsloth");
  });
});

describe.skipIf(!isThere("fish"))("fish, where it is installed,", () => {
  it("completes commands, options, choices, models and files", () => {
    const expected: Record<string, string[]> = {
      gr: ["grep"],
      "ask --dev": ["--device"],
      "ask --device cp": ["cpu"],
      "ask --device=cp": ["--device=cpu"],
      "verify ": ["mine"],
      "ask -m hol": ["holidays/"],
      "ask --model=hol": ["--model=holidays/"],
      "ask photo-": ["photo-two.jpg"],
      "ask --seed ": [],
    };
    const asked = Object.keys(expected).map((words) => `flashsloth ${words}`);
    expect(fish(...asked)).toEqual(Object.values(expected));
  });
});
