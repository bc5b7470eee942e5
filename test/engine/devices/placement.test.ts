import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import type { ChooseOptions } from "../../../src/engine/devices/choose.ts";
import { Placement } from "../../../src/engine/devices/placement.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { unavailableBackend } from "../../../src/language/device.ts";
import { unavailableProvider } from "../../../src/onnxruntime/provider.ts";
import { DRAWINGS } from "../../demo/demo-model.ts";
import { testMachine } from "./machine.ts";

const machine = testMachine();

async function place(options: Partial<ChooseOptions> = {}): Promise<Placement> {
  return await Placement.choose({ ...machine.options(), ...options });
}

/** Loads vision where it is placed, unless the device is among those that are gone; says where it was tried. */
async function load(placement: Placement, gone: readonly string[]): Promise<string[]> {
  const tried: string[] = [];
  await placement.loadVision(async ({ device, form }) => {
    tried.push(`${device} ${form.name}`);
    if (gone.includes(device)) throw lost(device);
  });
  return tried;
}

function lost(device: string): FlashSlothError {
  return new FlashSlothError("device", `${device} does not work for onnxruntime here: it is lost`);
}

describe("a part that does not load where it was proved to work", () => {
  it("is loaded on the next device, with one line, and the first is not believed again", async () => {
    expect(await load(await place(), [])).toEqual(["cuda half"]);
    const placement = await place();
    expect(await load(placement, ["cuda"])).toEqual([
      "cuda half",
      "cuda batch",
      "cuda single",
      "webgpu half",
    ]);
    const { vision, visionForm, remarks, notes } = placement.describe();
    expect([vision, visionForm.name]).toEqual(["webgpu", "half"]);
    expect(remarks).toEqual([
      "vision: cuda is not used: it is lost",
      "vision runs on webgpu, language on cuda",
    ]);
    expect(notes).toHaveLength(3);
    const later = await place();
    expect(later.describe()).toMatchObject({ vision: "webgpu", trials: 0 });
    expect(later.describe().remarks).toEqual(["vision runs on webgpu, language on cuda"]);
  });

  it("is loaded on the CPU in the end", async () => {
    expect((await load(await place(), ["cuda", "webgpu"])).at(-1)).toBe("cpu single");
    expect((await place()).describe()).toMatchObject({ vision: "cpu", trials: 0 });
  });

  it("stays on its device in another form where that loads", async () => {
    const placement = await place();
    const form = await placement.loadVision(async (candidate) => {
      if (candidate.form.name === "half") throw lost("cuda");
      return candidate.form.name;
    });
    expect(form).toBe("batch");
    expect(placement.describe()).toMatchObject({ vision: "cuda", remarks: [] });
    expect((await place()).describe()).toMatchObject({ visionForm: { name: "batch" }, trials: 0 });
  });

  it("fails with the CPU's words where nothing loads, and no device is blamed", async () => {
    const gone = ["cuda", "webgpu", "cpu"];
    await expect(load(await place(), gone)).rejects.toThrow("cpu does not work");
    expect((await place()).describe()).toMatchObject({ vision: "cuda", visionForm: { name: "half" } });
  });

  it("fails with its own words on a device that was named, or where nothing can be proved", async () => {
    const named = await place({ device: "cuda" });
    await expect(load(named, ["cuda"])).rejects.toThrow(
      "cuda does not work for onnxruntime here: it is lost",
    );
    const unproved = await place({ device: "cuda", verdicts: undefined });
    await expect(load(unproved, ["cuda"])).rejects.toThrow("cuda does not work for onnxruntime here");
  });

  it("is answered by the CPU where it is the language model, for a process holds one build of llama.cpp", async () => {
    const placement = await place();
    const tried: string[] = [];
    await placement.loadLanguage(async ({ device }) => {
      tried.push(device);
      if (device !== "cpu") throw lost(device);
    });
    expect(tried).toEqual(["cuda", "cpu"]); // this process holds the build for the CPU
    const { remarks } = placement.describe();
    expect(remarks).toEqual([
      "language: cuda is not used: it is lost",
      "vision runs on cuda, language on cpu",
    ]);
    expect((await place()).describe().language).toBe("vulkan");
  });
});

function onlyCuda(_side: string, device: string): string | undefined {
  return device === "cuda" || device === "cpu" ? undefined : "it is not there";
}

/** Where CUDA is, it would be taken. */
const isHere =
  unavailableBackend("cuda") === undefined || unavailableProvider("cuda") === undefined
    ? "CUDA is here"
    : undefined;

if (isHere !== undefined) console.warn(`an engine whose devices are gone is not tested: ${isHere}`);

it.skipIf(isHere !== undefined)("an engine whose devices are gone answers on the CPU", async () => {
  const options = { ...machine.options(), threads: 1, absentReason: onlyCuda };
  const engine = await Engine.load(options);
  try {
    expect(engine.info.device).toMatchObject({ vision: "cpu", language: "cpu", arithmetic: "float32" });
    expect(engine.info.device.remarks).toEqual([
      expect.stringMatching(/^vision: cuda is not used: /),
      expect.stringMatching(/^language: cuda is not used: /),
    ]);
    const picture = await engine.encodePicture(join(DRAWINGS, "003.png"));
    const { text } = await engine.ask(picture, { question: "What color is the square?" });
    expect(text).toBe("Purple.");
  } finally {
    await engine.dispose();
  }
});
