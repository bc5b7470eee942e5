import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { builtModule } from "../../src/core/built-module.ts";

describe("the file that starts a thread", () => {
  let root: string;
  const at = (path: string): URL => pathToFileURL(join(root, path));
  const put = async (path: string): Promise<void> => {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), "");
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "flashsloth built-"));
  });

  afterEach(async () => rm(root, { recursive: true, force: true }));

  it("lies beside its caller once built", async () => {
    await put("dist/lib/native.js");
    await put("dist/lib/load.js");
    expect(builtModule("./load.js", at("dist/lib/native.js").href)).toEqual(at("dist/lib/load.js"));
  });

  it("is the build's for a caller in the sources, however deep", async () => {
    await put("src/language/ffi/model.ts");
    await put("dist/lib/load.js");
    expect(builtModule("./load.js", at("src/language/ffi/model.ts").href)).toEqual(at("dist/lib/load.js"));
  });

  it("is looked for beside its caller when nothing is built, so that the error names a sensible place", () => {
    const caller = at("src/language/model.ts");
    expect(builtModule("./load.js", caller.href)).toEqual(at("src/language/load.js"));
  });
});
