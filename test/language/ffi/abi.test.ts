import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import koffi from "koffi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  FTYPE,
  GGML_TYPE,
  LLAMA_RELEASE,
  LOAD_MODE,
  STRUCTS,
  structType,
} from "../../../src/language/ffi/abi.ts";
import { installedRelease } from "../../../src/language/ffi/locate.ts";
import { loadLlama } from "../../../src/language/ffi/library.ts";

/** What a C compiler says of the release's own headers: `name value` a line. */
const facts = new Map<string, number>();
const folder = mkdtempSync(join(tmpdir(), "flashsloth-abi-"));

beforeAll(() => {
  const bundle = join(
    dirname(dirname(fileURLToPath(import.meta.resolve("node-llama-cpp")))),
    "llama",
    "gitRelease.bundle",
  );
  const source = join(folder, "llama.cpp");
  execFileSync("git", ["clone", "--quiet", "--no-checkout", bundle, source], { stdio: "pipe" });
  execFileSync("git", ["checkout", "--quiet", "HEAD", "--", "include", "ggml/include"], { cwd: source });

  const lines = Object.entries(STRUCTS).flatMap(([struct, fields]) => [
    // the head of ggml_tensor is all that we declare, so its size is not compared
    ...(struct === "ggml_tensor" ? [] : [`printf("${struct} %zu\\n", sizeof(struct ${struct}));`]),
    ...Object.keys(fields).map(
      (field) => `printf("${struct}.${field} %zu\\n", offsetof(struct ${struct}, ${field}));`,
    ),
  ]);
  const constants = {
    "ftype.f16": "LLAMA_FTYPE_MOSTLY_F16",
    "ftype.q4_0": "LLAMA_FTYPE_MOSTLY_Q4_0",
    "ftype.q8_0": "LLAMA_FTYPE_MOSTLY_Q8_0",
    "ftype.q4_k_s": "LLAMA_FTYPE_MOSTLY_Q4_K_S",
    "ftype.q4_k_m": "LLAMA_FTYPE_MOSTLY_Q4_K_M",
    "ftype.q5_k_m": "LLAMA_FTYPE_MOSTLY_Q5_K_M",
    "ftype.iq4_nl": "LLAMA_FTYPE_MOSTLY_IQ4_NL",
    ...Object.fromEntries(Object.keys(GGML_TYPE).map((name) => [`type.${name}`, `GGML_TYPE_${name}`])),
    load_mode_none: "LLAMA_LOAD_MODE_NONE",
    load_mode_mmap: "LLAMA_LOAD_MODE_MMAP",
    device_gpu: "GGML_BACKEND_DEVICE_TYPE_GPU",
    device_igpu: "GGML_BACKEND_DEVICE_TYPE_IGPU",
  };
  for (const [name, value] of Object.entries(constants))
    lines.push(`printf("${name} %d\\n", (int) ${value});`);
  const program = join(folder, "layout.c");
  writeFileSync(
    program,
    `#include <stdio.h>\n#include <stddef.h>\n#include "llama.h"\n#include "gguf.h"\n#include "ggml-backend.h"\nint main(void) {\n${lines.join("\n")}\nreturn 0;\n}\n`,
  );
  const binary = join(folder, "layout");
  const include = ["include", "ggml/include"].flatMap((path) => ["-I", join(source, path)]);
  execFileSync("cc", [...include, program, "-o", binary]);
  for (const line of execFileSync(binary, { encoding: "utf8" }).trim().split("\n")) {
    const [name = "", value = ""] = line.split(" ");
    facts.set(name, Number(value));
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the declared C structures", () => {
  it.each(Object.keys(STRUCTS))("%s is laid out as in the release's headers", (struct) => {
    const type = structType(struct);
    for (const field of Object.keys(STRUCTS[struct] ?? {})) {
      expect(koffi.offsetof(type, field), `${struct}.${field}`).toBe(facts.get(`${struct}.${field}`));
    }
    if (struct !== "ggml_tensor") expect(koffi.sizeof(type), struct).toBe(facts.get(struct));
  });

  it("has the release's enumeration values", () => {
    for (const [name, value] of Object.entries(FTYPE)) expect(value, name).toBe(facts.get(`ftype.${name}`));
    for (const [name, value] of Object.entries(GGML_TYPE))
      expect(value, name).toBe(facts.get(`type.${name}`));
    expect(LOAD_MODE).toEqual({ none: facts.get("load_mode_none"), mmap: facts.get("load_mode_mmap") });
    expect([facts.get("device_gpu"), facts.get("device_igpu")]).toEqual([1, 2]);
  });

  it("belong to the release that is installed", async () => {
    expect(await installedRelease()).toBe(`v${LLAMA_RELEASE}`);
    const library = await loadLlama("cpu");
    expect(library.version).toMatch(new RegExp(`^${LLAMA_RELEASE.replaceAll(".", "\\.")}(-|$)`));
    expect(library.devices.length).toBeGreaterThan(0);
  });

  it("refuses a second backend in the same process", async () => {
    await loadLlama("cpu");
    await expect(loadLlama("vulkan")).rejects.toMatchObject({ code: "native" });
  });
});
