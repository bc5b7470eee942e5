import { cp, mkdir, open, readdir, rm, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { finished, lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MODULES = join(ROOT, "node_modules");
const place = new Place();

/** A copy of the built package whose dependencies are all there but one. */
async function installWithout(missing: string): Promise<string> {
  const root = place.path(`without-${missing.replaceAll("/", "-")}`);
  const modules = join(root, "node_modules");
  await mkdir(join(root, "src/store"), { recursive: true });
  for (const part of ["bin", "dist/lib", "package.json", "src/store/demo"]) {
    await cp(join(ROOT, part), join(root, part), { recursive: true });
  }
  if (missing !== "onnxruntime-node") {
    await symlink(join(ROOT, "dist/onnxruntime"), join(root, "dist/onnxruntime"));
  }
  for (const name of await readdir(MODULES)) {
    if (missing === name || missing.startsWith(`${name}/`) || name.startsWith(".")) continue;
    await mkdir(modules, { recursive: true });
    await symlink(join(MODULES, name), join(modules, name));
  }
  return join(root, "bin/flashsloth.js");
}

describe("an install that lacks a native library", () => {
  it.each([
    ["@node-llama-cpp/linux-x64", /llama|@node-llama-cpp/],
    ["onnxruntime-node", /onnxruntime/],
    ["sharp", /sharp/],
  ])("%s: says which, and what to do, with status 1", async (missing, message) => {
    const binary = await installWithout(missing);
    const words = [binary, "ask", "-m", "demo", "--quiet", RED_CIRCLE, QUESTION];
    const { status, stdout, stderr } = await finished(place.start(process.execPath, words));
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^hint: .*install/m);
    expect(lines(stderr)).toHaveLength(2);
  });
});

describe("a checkpoint that is damaged", () => {
  it("with a flipped byte in its header: one clear line, status 1, and no model", async () => {
    const checkpoint = place.path("flipped");
    await cp(join(ROOT, "src/store/demo/checkpoint"), checkpoint, { recursive: true });
    const file = await open(join(checkpoint, "model.safetensors"), "r+");
    await file.write(Buffer.from("~"), 0, 1, 8); // where the header's JSON begins
    await file.close();
    const { status, stdout, stderr } = await place.run([
      "ask",
      "-m",
      checkpoint,
      "--quiet",
      RED_CIRCLE,
      QUESTION,
    ]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .*model\.safetensors/);
    expect(lines(stderr).length).toBeLessThanOrEqual(2);
  });
});

describe("a full disk while the demo is converted", () => {
  it("is said in one line with status 1; with room, the same command then works", async () => {
    const tight = place.path("tight");
    await mkdir(tight);
    const ask = ["ask", "-m", "demo", "--quiet", RED_CIRCLE, QUESTION];
    const mounted = (await place.bash(`mount -t tmpfs -o size=2m tmpfs '${tight}'`)).status === 0;
    try {
      // where mounting is not allowed, a limit on the length of a file stands in
      const refused = mounted
        ? await place.run(ask, { env: { FLASHSLOTH_HOME: tight } })
        : await place.bash(
            `trap '' XFSZ; ulimit -f 1024; FLASHSLOTH_HOME='${tight}' $flashsloth ${quoted(ask)}`,
          );
      expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status: 1, stdout: "" });
      expect(refused.stderr).toMatch(/^error: .*(disk|space|written)/);
      expect(refused.stderr).toMatch(/^hint: /m);
      if (mounted) await place.bash(`mount -o remount,size=64m '${tight}'`);
      const answered = await place.run(ask, { env: { FLASHSLOTH_HOME: tight } });
      expect(answered).toMatchObject({ status: 0, stdout: "Red.\n" });
    } finally {
      if (mounted) await place.bash(`umount '${tight}'`);
      await rm(tight, { recursive: true, force: true });
    }
  });
});

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}
