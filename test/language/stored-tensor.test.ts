import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { findTensor } from "../../src/language/stored-tensor.ts";
import { counting, encode, someTensors } from "../formats/gguf/samples.ts";

const folder = mkdtempSync(join(tmpdir(), "flashsloth-stored-"));
const path = join(folder, "file.gguf");

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("finds a tensor in a process of its own, or says that there is none", async () => {
  const bytes = await encode(new Map(), someTensors());
  writeFileSync(path, bytes);
  const found = await findTensor({ path, name: "vector" });
  expect(found).toMatchObject({ type: "F32", shape: [8] });
  expect(bytes.slice(found?.offset, (found?.offset ?? 0) + 3)).toEqual(counting(3));
  expect(await findTensor({ path, name: "absent" })).toBeUndefined();
});

it("names a file that ggml refuses", async () => {
  writeFileSync(path, "no model");
  await expect(findTensor({ path, name: "vector" })).rejects.toMatchObject({
    code: "model-invalid",
    message: expect.stringContaining(path),
    hint: expect.stringContaining("FLASHSLOTH_NATIVE_LOG=1"),
  });
});

it.skipIf(process.platform === "win32")("does not wait for ever", async () => {
  const pipe = join(folder, "pipe.gguf");
  execFileSync("mkfifo", [pipe]); // to open it waits for somebody who writes
  await expect(findTensor({ path: pipe, name: "vector", timeoutMs: 1500 })).rejects.toMatchObject({
    code: "model-invalid",
    message: `${pipe} cannot be read as GGUF: that took longer than 1.5 s`,
  });
});
