import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { chooseDevices, type ChooseOptions } from "../../../src/engine/devices/choose.ts";
import type { Damage } from "./device-double.ts";
import { testMachine } from "./machine.ts";

type Choice = Awaited<ReturnType<typeof chooseDevices>>;

const machine = testMachine();

/** A machine with every device, whose computations are spoilt as `damage` says. */
async function choose(damage: Damage, options: Partial<ChooseOptions> = {}): Promise<Choice> {
  return await chooseDevices({ ...machine.options(damage), ...options });
}

function withoutDriver(): string {
  return "there is no Vulkan driver";
}

async function unproved(device: "auto" | "vulkan"): Promise<Choice> {
  return await chooseDevices({
    directory: machine.directory,
    manifest: machine.manifest,
    device,
    platform: "linux",
  });
}

describe("auto", () => {
  it("takes sound devices, and pays nothing for that at the second start", async () => {
    const first = await choose({});
    expect(first).toMatchObject({ vision: "cuda", language: "cuda", notes: [], remarks: [], trials: 2 });
    expect(first.visionForm).toMatchObject({ name: "half", arithmetic: "float16", cropsPerRun: 8 });
    expect(await choose({})).toEqual({ ...first, trials: 0 });
  });

  it("passes over a device that changes a single row of the features, and says what differs", async () => {
    const found = await choose({ "vision cuda": "row" });
    expect([found.vision, found.language]).toEqual(["webgpu", "cuda"]);
    const note = found.notes.at(-1) ?? "";
    expect(note).toMatch(/^vision: cuda is not used: its features are 0\.\d+ away from the CPU's/);
    expect(found.remarks).toEqual([note, "vision runs on webgpu, language on cuda"]);
    // it is known by then: it is noted, and no longer called out
    const again = await choose({});
    expect([again.vision, again.trials, again.notes]).toEqual(["webgpu", 0, found.notes]);
    expect(again.remarks).toEqual(["vision runs on webgpu, language on cuda"]);
  });

  it("passes over a device that spoils hidden states, or a tap that does not reach it", async () => {
    for (const spoil of ["hidden", "tap"] as const) {
      const found = await choose({ "language cuda": spoil }, { verdicts: join(machine.verdicts, spoil) });
      expect([found.vision, found.language]).toEqual(["cuda", "vulkan"]);
      expect(found.notes.join()).toMatch(
        /^language: cuda is not used: (?:it says|its (?:queries|logits)|what EmbQ writes)/,
      );
    }
  });

  it("comes to the CPU where nothing else is sound, whatever happens to the processes", async () => {
    const found = await choose({
      "vision cuda": "dies",
      "vision webgpu": "row",
      "language cuda": "dies",
      "language vulkan": "hidden",
    });
    expect([found.vision, found.language]).toEqual(["cpu", "cpu"]);
    expect(found.remarks[0]).toBe("vision: cuda is not used: its process ended with SIGABRT");
    expect(found.remarks).toHaveLength(4);
  });

  it("tries again when a driver changes, and when the model does", async () => {
    await choose({});
    expect((await choose({}, { env: { CUDA_VISIBLE_DEVICES: "1" } })).trials).toBe(2);
    const files = machine.manifest.files.map((file) =>
      file.name === machine.manifest.roles.language ? { ...file, sha256: "0".repeat(64) } : file,
    );
    expect((await choose({}, { manifest: { ...machine.manifest, files } })).trials).toBe(1);
    expect((await choose({})).trials).toBe(0);
  });

  it("tries what did not work again after a day, and what computes wrong never", async () => {
    const broken = { "vision cuda": "dies", "language cuda": "hidden" } as const;
    expect((await choose(broken)).trials).toBe(6); // cuda's encoder in three forms, and what is taken in its place
    expect((await choose({})).trials).toBe(0);
    vi.useFakeTimers({ now: Date.now() + 25 * 60 * 60_000, toFake: ["Date"] });
    try {
      const later = await choose({});
      expect([later.vision, later.language, later.trials]).toEqual(["cuda", "vulkan", 1]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("computes what the CPU makes of a model whose folder does not say, once", async () => {
    const { reference: _reference, ...silent } = machine.manifest;
    expect((await choose({}, { manifest: silent })).trials).toBe(3);
    expect((await choose({}, { manifest: silent, env: {} })).trials).toBe(2);
  });
});

describe("an encoder on a GPU", () => {
  const half = "vision cuda half";
  const batch = "vision cuda batch";

  it("computes in float32 where float16 is not exact enough, which is noted, and found out once", async () => {
    const found = await choose({ [half]: "row" });
    expect(found).toMatchObject({ vision: "cuda", visionForm: { name: "batch", arithmetic: "float32" } });
    expect(found.notes).toEqual([
      expect.stringMatching(
        /^vision: cuda, float16, batch of 8 is not used: its features are 0\.\d+ away from the CPU's \(at most 0\.001 is sound\)$/,
      ),
    ]);
    expect([found.remarks, found.trials]).toEqual([[], 3]);
    const again = await choose({});
    expect([again.visionForm.name, again.notes, again.trials]).toEqual(["batch", found.notes, 0]);
  });

  it("takes one crop at a time where a batch does not work, or crops of a run change each other", async () => {
    for (const damage of ["dies", "neighbours"] as const) {
      const found = await choose(
        { [half]: damage, [batch]: damage },
        { verdicts: join(machine.verdicts, damage), device: "cuda" },
      );
      expect(found).toMatchObject({ vision: "cuda", visionForm: { name: "single", cropsPerRun: 1 } });
      expect([found.notes.length, found.remarks]).toEqual([2, []]);
    }
  });

  it("costs no trial at a later start, though it is named and float16 did not work", async () => {
    const named = { visionDevice: "cuda", device: "cpu" } as const;
    expect((await choose({ [half]: "dies" }, named)).trials).toBe(2);
    expect(await choose({}, named)).toMatchObject({ visionForm: { name: "batch" }, trials: 0 });
  });

  it("is tried as before where the model has no other form", async () => {
    const { visionBatch: _batch, visionHalf: _half, ...roles } = machine.manifest.roles;
    const found = await choose({}, { manifest: { ...machine.manifest, roles } });
    expect(found).toMatchObject({ vision: "cuda", visionForm: { name: "single" }, trials: 2 });
  });

  it("may be asked for in one form", async () => {
    expect((await choose({}, { visionForm: "single" })).visionForm.name).toBe("single");
    const device = "cuda";
    const plain = await chooseDevices({
      directory: machine.directory,
      manifest: machine.manifest,
      device,
      platform: "linux",
    });
    expect(plain.visionForm.name).toBe("batch"); // nothing less exact without a proof
  });
});

describe("a device by name", () => {
  it("is refused where it computes wrong, at once when that is known", async () => {
    const named = { device: "vulkan" } as const;
    const expected = {
      code: "device",
      message: expect.stringMatching(/^webgpu computes wrong for vision here: its features are/),
      hint: expect.stringContaining("flashsloth doctor"),
    };
    await expect(choose({ "vision webgpu": "row" }, named)).rejects.toMatchObject(expected);
    await expect(choose({}, named)).rejects.toMatchObject(expected);
  });

  it("is tried again where it did not work before", async () => {
    const named = { languageDevice: "vulkan", device: "cpu" } as const;
    await expect(choose({ "language vulkan": "dies" }, named)).rejects.toMatchObject({
      code: "device",
      message: "vulkan does not work for language here: its process ended with SIGABRT",
    });
    const found = await choose({}, named);
    expect(found).toMatchObject({ vision: "cpu", language: "vulkan", trials: 1 });
    expect(found.remarks).toEqual(["vision runs on cpu, language on vulkan"]);
  });

  it("is not tried where it cannot be", async () => {
    await expect(choose({}, { device: "vulkan", absentReason: withoutDriver })).rejects.toMatchObject({
      message: "webgpu does not work for vision here: there is no Vulkan driver",
    });
    expect(await choose({}, { absentReason: withoutDriver })).toMatchObject({
      vision: "cpu",
      language: "cpu",
      trials: 0,
    });
  });
});

it("an encoder with int8 matrices stays on the CPU, which is said where it was to run elsewhere", async () => {
  const vision = { precision: "int8", featureError: 0.02, tokenError: 0.02 } as const;
  const found = await choose({}, { manifest: { ...machine.manifest, vision } });
  expect([found.vision, found.language]).toEqual(["cpu", "cuda"]);
  expect(found.remarks).toEqual(["vision: the int8 encoder is made for the CPU, and runs there"]);
  expect((await choose({}, { manifest: { ...machine.manifest, vision }, device: "cpu" })).remarks).toEqual(
    [],
  );
});

it("without a place for verdicts nothing is tried: auto is the CPU, and a named device is taken", async () => {
  expect(await unproved("auto")).toMatchObject({ vision: "cpu", language: "cpu", trials: 0 });
  expect(await unproved("vulkan")).toMatchObject({ vision: "webgpu", language: "vulkan", trials: 0 });
});
