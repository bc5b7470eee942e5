import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { join } from "node:path";
import { Engine } from "../../src/engine/engine.ts";
import { loadLlama } from "../../src/language/ffi/library.ts";
import { missingPackage } from "../../src/language/ffi/locate.ts";
import { missingDriver } from "../../src/language/ffi/driver.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

const missing = missingPackage("vulkan") ?? missingDriver("vulkan");

if (missing !== undefined) console.warn(`llama.cpp's build for Vulkan is not tested on the CPU: ${missing}`);

/** A process holds one build of llama.cpp: when its GPU fails, the CPU has to do with that build. */
describe.skipIf(missing !== undefined)("a process that holds llama.cpp for Vulkan", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;

  beforeAll(async () => {
    // no driver that this machine may have
    for (const name of ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]) process.env[name] = "/nowhere.json";
    demo = await convertDemo();
    await loadLlama("vulkan");
  });

  afterAll(async () => demo?.remove());

  it("answers on the CPU with it", async () => {
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
    try {
      expect(engine.info.device).toMatchObject({ language: "cpu" });
      const picture = await engine.encodePicture(join(DRAWINGS, "003.png"));
      const { text } = await engine.ask(picture, { question: "What color is the square?" });
      expect(text).toBe("Purple.");
    } finally {
      await engine.dispose();
    }
  });

  it("loads no other build", async () => {
    await expect(loadLlama("cuda")).rejects.toMatchObject({ code: "native" });
    await expect(Engine.load({ directory: demo.directory, device: "cuda" })).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:device|native)$/),
    });
  });
});
