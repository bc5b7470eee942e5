import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { DoctorReport } from "../../src/doctor/report.ts";
import { Place, QUESTION, RED_CIRCLE, type Finished } from "../cli/binary.ts";

const place = new Place();
const DOUBLE = join(import.meta.dirname, "webgpu-double.cjs");

beforeAll(async () => {
  await place.convertDemo();
  await writeFile(place.path("driver.json"), "{}");
});

/** A machine with a WebGPU that is damaged as `damage` says; each has a store of its own for its verdicts. */
async function run(damage: string, words: readonly string[]): Promise<Finished> {
  const env = {
    NODE_OPTIONS: `--require ${DOUBLE}`,
    DOUBLE: damage,
    VK_DRIVER_FILES: place.path("driver.json"),
  };
  return await place.run(words, { env });
}

const ASK = [
  "ask",
  "-m",
  "demo",
  "--json",
  "--bench",
  "--no-cache",
  RED_CIRCLE,
  QUESTION,
  "--language-device",
  "cpu",
];

interface AskedOn {
  readonly answer: string;
  readonly bench: { readonly device: { readonly vision: string } };
}

function recordOf({ status, stdout }: Finished): AskedOn {
  expect(status).toBe(0);
  return JSON.parse(stdout) as AskedOn;
}

async function doctor(
  damage: string,
): Promise<{ readonly status: number | null; readonly report: DoctorReport }> {
  const { status, stdout } = await run(damage, ["doctor", "-m", "demo", "--json"]);
  return { status, report: JSON.parse(stdout) as DoctorReport };
}

describe("a WebGPU that computes what the CPU does", () => {
  it("is taken by auto", async () => {
    const found = await run("none", ASK);
    expect(recordOf(found)).toMatchObject({ answer: "Red.", bench: { device: { vision: "webgpu" } } });
    expect(found.stderr).toContain("vision runs on webgpu, language on cpu");
  });

  it("is sound to the doctor in float16 and in float32, and the default", async () => {
    const { status, report } = await doctor("none");
    expect(status).toBe(0);
    expect(report.default_devices).toMatchObject({ vision: "webgpu", arithmetic: "float16" });
    const [half, whole, ...others] = report.devices.filter(({ device }) => device === "webgpu");
    expect(others).toEqual([]);
    expect(half).toMatchObject({ verdict: "sound", arithmetic: "float16", crops_per_run: 8 });
    expect(half?.errors?.["features"]).toBeLessThan(1e-3);
    expect(whole).toMatchObject({ verdict: "sound", arithmetic: "float32", crops_per_run: 8 });
    expect(whole?.errors?.["features"]).toBeLessThan(1e-5);
    expect(Object.keys(whole?.ms ?? {})).toEqual(["load", "first", "again"]);
    expect((await run("none", ["doctor", "-m", "demo"])).stdout).toContain(
      "vision webgpu, float16, language",
    );
  });
});

describe("a WebGPU without float16", () => {
  beforeAll(async () => void (await place.run(["cache", "clear"])));

  it("is taken by auto in float32, which nobody is called out for", async () => {
    const found = await run("no-half", ASK);
    expect(recordOf(found)).toMatchObject({ answer: "Red.", bench: { device: { vision: "webgpu" } } });
    expect(found.stderr).not.toContain("is not used");
  });

  it("is told by the doctor, whose default is sound", async () => {
    const { status, report } = await doctor("no-half");
    expect(status).toBe(0);
    expect(report.default_devices).toMatchObject({ vision: "webgpu", arithmetic: "float32" });
    const [half, whole] = report.devices.filter(({ device }) => device === "webgpu");
    expect(half).toMatchObject({
      verdict: "unusable",
      reason: expect.stringContaining("the adapter has no shader-f16"),
    });
    expect(whole).toMatchObject({ verdict: "sound", arithmetic: "float32" });
    expect(report.advice.join()).not.toContain("does not run on webgpu");
  });
});

describe("a WebGPU that is lost after it had proved itself", () => {
  beforeAll(async () => void (await place.run(["cache", "clear"])));

  it("is left by auto, with one line, and not taken again", async () => {
    expect(recordOf(await run("none", ASK)).bench.device.vision).toBe("webgpu");
    const lost = await run("lost", ASK);
    expect(recordOf(lost)).toMatchObject({ answer: "Red.", bench: { device: { vision: "cpu" } } });
    expect(lost.stderr.match(/is not used/g)).toHaveLength(1);
    expect(lost.stderr).toMatch(/^vision: webgpu is not used: .*the device is lost/m);
    const later = await run("none", ASK);
    expect(recordOf(later).bench.device.vision).toBe("cpu");
    expect(later.stderr).not.toContain("is not used");
  });

  it("is an error where it was named", async () => {
    await place.run(["cache", "clear"]);
    const named = [...ASK, "--vision-device", "webgpu"];
    expect(recordOf(await run("none", named)).bench.device.vision).toBe("webgpu");
    const lost = await run("lost", named);
    expect([lost.status, lost.stdout]).toEqual([1, ""]);
    expect(lost.stderr).toMatch(/^error: webgpu does not work for onnxruntime here: .*the device is lost/m);
  });
});

describe("a WebGPU that spoils a row of the features", () => {
  beforeAll(async () => void (await place.run(["cache", "clear"])));

  it("is passed over by auto, once called out with what differs, and refused by its name", async () => {
    const first = await run("row", ASK);
    expect(recordOf(first)).toMatchObject({ answer: "Red.", bench: { device: { vision: "cpu" } } });
    expect(first.stderr).toMatch(/^vision: webgpu is not used: its features are 0\.\d+ away from the CPU's/m);
    const second = await run("row", ASK);
    expect(recordOf(second).bench.device.vision).toBe("cpu");
    expect(second.stderr).not.toContain("is not used");
    const named = await run("row", [...ASK, "--vision-device", "webgpu"]);
    expect([named.status, named.stdout]).toEqual([1, ""]);
    expect(named.stderr).toMatch(/^error: webgpu computes wrong for vision here: its features are/m);
  });

  it("is told by the doctor, whose status is that of the default, the CPU", async () => {
    const { status, report } = await doctor("row");
    expect([status, report.default_devices.vision]).toEqual([0, "cpu"]);
    expect(report.devices.find(({ device }) => device === "webgpu")).toMatchObject({ verdict: "wrong" });
  });
});

describe("a WebGPU that ends the process", () => {
  beforeAll(async () => void (await place.run(["cache", "clear"])));

  it("takes neither the doctor down nor an answer", async () => {
    const { status, report } = await doctor("dies");
    expect(status).toBe(0);
    expect(report.devices.find(({ device }) => device === "webgpu")).toMatchObject({
      verdict: "unusable",
      reason: expect.stringContaining("its process ended with SIGABRT"),
    });
    expect(recordOf(await run("dies", ASK)).answer).toBe("Red.");
    const named = await run("dies", [...ASK, "--vision-device", "webgpu"]);
    expect([named.status, named.stdout]).toEqual([1, ""]);
    expect(named.stderr).toMatch(
      /^error: webgpu does not work for vision here: its process ended with SIGABRT/m,
    );
  });
});
